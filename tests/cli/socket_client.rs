//! A container that uses a Docker socket, as the command line shows and mends it. Its `docker` is a
//! fake with the plugin `compose`; `tests/client` has the real ones.

use super::fake;
use crate::support::sandbox::Sandbox;
use crate::support::trials;
use crate::support::web::{Web, head};

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        a_container_is_looked_at_with_few_processes,
        a_service_is_made_anew_by_the_plugin_and_waited_for,
        a_sick_server_is_no_reason_to_make_its_container_anew,
        a_server_that_never_answers_is_ill_and_holds_nobody_up,
        a_container_that_ends_while_it_is_looked_at_is_not_well,
        a_file_without_clients_asks_docker_nothing,
        a_simulated_engine_says_which_containers_there_are,
        a_simulated_container_is_broken_and_mended_beside_real_files,
    ]
}

/// A fake `docker` with one container, which is denied until Compose made it anew. Contexts are the
/// real one's.
pub const DOCKER: &str = r#"
echo "$*" | tr '\n' ' ' | cut -c -90 >>"$HOME/docker-calls"
case "$1 $3" in
context*) PATH=${PATH#*:} exec docker "$@" ;;
esac
if [ -e "$HOME/made" ]; then groups='1001 2375' said='ApiVersion=1.41' status=0
else groups=1001 said='permission denied' status=1; fi
section() { printf '@%s %s\n%s\n\n@%s = %s\n' "$mark" "$1" "$2" "$mark" "${3:-0}"; }
case "$*" in
'compose version --short') echo 2.24.5 ;;
*' compose '*' config --format json manager') cat <<END
{"name": "dind", "services": {"manager": {"environment": {"TOKEN": "hunter2-of-compose"}, "volumes": [
  {"type": "volume", "source": "sock", "target": "/var/run"}]}}, "volumes": {"sock": {"name": "dind_sock"}}}
END
;;
*'inspect --type container manager') cat <<END
[{"Id": "abc", "Name": "/manager", "State": {"Status": "running", "StartedAt": "2026-11-21"},
  "Mounts": [{"Type": "volume", "Name": "dind_sock", "Destination": "/var/run", "RW": true}],
  "HostConfig": {"Runtime": "runc"}, "Config": {"User": "mcp", "Labels": {
    "com.docker.compose.project": "dind", "com.docker.compose.service": "manager"}}}]
END
;;
*'cai cai-'*' docker')
  rest=${*##* cai }
  mark=${rest%% *}
  section groups "$groups"
  section writable '' $status
  section ask-docker "$said" $status
  printf '@%s end\n' "$mark" ;;
*'cai cai-'*)
  rest=${*##* cai }
  mark=${rest%% *}
  section kind socket
  section bits '660 0 2375'
  section processes "1 1001 1001 $groups"
  section passwd 'mcp:x:1001:1001::/:/bin/sh'
  section group 'docker:x:2375:'
  section clients docker
  printf '@%s end\n' "$mark" ;;
*' compose '*' up -d --no-deps manager') echo "$*" >"$HOME/made" ;;
*) echo "the fake docker does not know: $*" >&2; exit 1 ;;
esac
"#;

/// A home with an engine, a manager that is denied, and a compose file for it.
fn manager(lines: &str) -> Sandbox {
    let sandbox = fake::engine();
    sandbox.cai(&["apply", "--yes"]).success();
    sandbox.fake_program("docker", DOCKER);
    sandbox.write("home/dind.yml", "services:\n  manager:\n    volumes: [\"sock:/var/run\"]\n");
    let entry = format!(
        "[[socket_clients]]\ncontainer = \"manager\"\ncompose_file = \"./dind.yml\"\n\
         service = \"manager\"\n{lines}"
    );
    sandbox.write("home/containai.toml", &format!("{}{entry}", fake::FILE));
    sandbox
}

fn docker_calls(sandbox: &Sandbox) -> Vec<String> {
    let calls = std::fs::read_to_string(sandbox.path("home/docker-calls")).unwrap_or_default();
    calls.lines().map(|line| line.trim().to_owned()).collect()
}

fn a_container_is_looked_at_with_few_processes() {
    let sandbox = manager("");
    let plan = sandbox.cai(&["plan"]);
    let text = plan.success();
    for line in [
        "  ~ socket_client.manager  container recreation\n",
        "      groups       = [1001] -> [1001,2375]\n",
        "      api          = \"denied\" -> \"answers\"\n",
        "        + services:\n        +   manager:\n        +     group_add:\n        +     - '2375'\n",
        "      # client_user_not_in_group: the socket belongs to group 2375; the program\n",
        "      # recreates 1 container: manager\n",
        "0 to destroy. Recreates 1 container: manager.",
    ] {
        assert!(text.contains(line), "{line:?} is not in {plan}");
    }
    let calls = docker_calls(&sandbox);
    assert_eq!(calls.len(), 5, "{calls:#?}");
    assert!(!sandbox.path("home/dind.cai.yml").exists(), "a plan wrote something");
    // Compose's output for a service contains secrets.
    for arguments in [&["plan", "--verbose"][..], &["plan", "--json"], &["doctor", "--json"]] {
        let ran = sandbox.cai(arguments);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains("manager") && !said.contains("hunter2"), "{ran}");
    }
}

fn a_service_is_made_anew_by_the_plugin_and_waited_for() {
    let web = Web::serve([("/health", head("200 OK", "Content-Length: 0\r\n"))]);
    let sandbox = manager(&format!("health = \"{}\"\n", web.url("/health")));
    let before = std::fs::read(sandbox.path("home/dind.yml")).unwrap();
    let ran = sandbox.cai(&["apply", "--yes"]);
    ran.success();
    assert!(ran.stderr.contains("wait until manager is healthy ... done"), "{ran}");
    let made = std::fs::read_to_string(sandbox.path("home/made")).unwrap();
    let home = sandbox.home().display().to_string();
    assert_eq!(
        made,
        format!(
            "--context containai-secure compose -p dind -f {home}/dind.yml -f {home}/dind.cai.yml \
             up -d --no-deps manager\n"
        )
    );
    assert_eq!(std::fs::read(sandbox.path("home/dind.yml")).unwrap(), before);
    let written = std::fs::read_to_string(sandbox.path("home/dind.cai.yml")).unwrap();
    assert!(written.starts_with("# Managed by cai"), "{written}");
    assert!(sandbox.cai(&["plan"]).success().starts_with("No changes."));
}

fn a_sick_server_is_no_reason_to_make_its_container_anew() {
    let web = Web::serve([("/health", head("503 Service Unavailable", "Content-Length: 0\r\n"))]);
    let sandbox = manager(&format!("health = \"{}\"\n", web.url("/health")));
    sandbox.write("home/made", "");
    let plan = sandbox.cai(&["plan"]);
    assert!(plan.success().starts_with("No changes."), "{plan}");
    assert!(!web.requests().is_empty());
}

fn a_server_that_never_answers_is_ill_and_holds_nobody_up() {
    // Connections are made, and nobody ever takes them.
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/health", server.local_addr().unwrap());
    let sandbox = manager(&format!("health = \"{url}\"\n"));
    sandbox.write("home/made", "");
    let ran = sandbox.cai(&["doctor"]);
    ran.fails_with(1);
    assert!(ran.stdout.contains("warning client_unhealthy  socket_client.manager"), "{ran}");
    assert!(
        ran.stdout.replace("\n      ", " ").contains(&format!("{url} reports: timeout")),
        "{ran}"
    );
}

/// A container that runs for the moment in which it is listed.
const FLAPPING: &str = r#"
case "$*" in
*'inspect --type container manager')
  if [ -e "$HOME/listed" ]; then status=restarting; else status=running; fi
  : >"$HOME/listed"
  cat <<END
[{"Id": "abc", "Name": "/manager", "RestartCount": 7, "State": {"Status": "$status", "ExitCode": 3},
  "HostConfig": {"Runtime": "runc"}, "Config": {"User": "mcp"}}]
END
  exit ;;
*' exec '* | *' top '* | *' cp '*) echo 'Container abc is restarting' >&2; exit 1 ;;
*' logs '*) exit ;;
esac
"#;

fn a_container_that_ends_while_it_is_looked_at_is_not_well() {
    let sandbox = manager("");
    sandbox.fake_program("docker", &format!("{FLAPPING}{DOCKER}"));
    let ran = sandbox.cai(&["doctor"]);
    ran.fails_with(1);
    assert!(ran.stdout.contains("error client_restarting  socket_client.manager"), "{ran}");
}

fn a_file_without_clients_asks_docker_nothing() {
    let sandbox = manager("");
    sandbox.write("home/containai.toml", fake::FILE);
    assert!(sandbox.cai(&["plan"]).success().starts_with("No changes."));
    assert_eq!(docker_calls(&sandbox), Vec::<String>::new());
}

fn a_simulated_engine_says_which_containers_there_are() {
    let sandbox = fake::fresh();
    let cai = |arguments: &[&str]| sandbox.cai(&[&["--simulate=world"], arguments].concat());
    let file = "version = 1\n[sysbox]\nenabled = false\n";
    sandbox.write("home/containai.toml", file);
    cai(&["apply", "--yes"]).success();
    let entry = "[[socket_clients]]\ncontainer = \"manager\"\nvolume = \"sock\"\n";
    sandbox.write("home/containai.toml", &format!("{file}{entry}"));
    let plan = cai(&["plan"]);
    plan.fails_with(1);
    assert!(plan.stdout.contains("client_container_absent: the container manager"), "{plan}");
    assert!(plan.stderr.contains("-v sock:/var/run:rw --group-add 2375"), "{plan}");
}

fn a_simulated_container_is_broken_and_mended_beside_real_files() {
    let sandbox = fake::fresh();
    let cai = |arguments: &[&str]| sandbox.cai(&[&["--simulate=world"], arguments].concat());
    let file = "version = 1\n[sysbox]\nenabled = false\n";
    sandbox.write("home/containai.toml", file);
    let refused = cai(&["simulate", "break", "client-gid"]);
    assert!(refused.fails_with(64).contains("add [[socket_clients]]"), "{refused}");
    let entry = "[[socket_clients]]\ncontainer = \"manager\"\nuser = \"mcp\"\nuid = 1001\n\
                 compose_file = \"./dind.yml\"\nservice = \"manager\"\n";
    sandbox.write("home/containai.toml", &format!("{file}{entry}"));
    sandbox.write(
        "home/dind.yml",
        "services:\n  manager:\n    container_name: manager\n    \
         volumes: [\"sock:/var/run\"]\nvolumes:\n  sock:\n",
    );
    cai(&["simulate", "break", "client-gid"]).success();
    let ran = cai(&["doctor"]);
    ran.fails_with(1);
    assert!(ran.stdout.contains("1 finding"), "{ran}");
    assert!(ran.stdout.contains("error client_gid_mismatch  socket_client.manager"), "{ran}");
    let ran = cai(&["doctor", "--fix", "--yes"]);
    assert!(ran.success().contains("Healthy."), "{ran}");
    assert!(!sandbox.path("home/dind.cai.yml").exists(), "a simulated host wrote a real file");
    // What the lack of a context hides of the container is fixed after it, by one `--fix`.
    for fault in ["client-user", "context-missing"] {
        cai(&["simulate", "break", fault]).success();
    }
    let hidden = cai(&["doctor"]);
    assert!(hidden.stdout.contains("context_missing"), "{hidden}");
    assert!(!hidden.stdout.contains("client_"), "{hidden}");
    let ran = cai(&["doctor", "--fix", "--yes"]);
    assert!(ran.success().contains("Healthy."), "{ran}");
    assert!(ran.stderr.contains("client_user_not_in_group"), "{ran}");
    assert!(cai(&["plan"]).success().contains("No changes."));
    // A new engine has it made by Compose, with what it needs.
    cai(&["simulate", "reset"]).success();
    cai(&["apply", "--yes"]).success();
    assert!(cai(&["plan"]).success().contains("No changes."));
}
