//! A guest in a corporate network: everything goes through a proxy with a password, to a registry whose
//! certificate only the corporate authority has signed. Both are on this machine.

use super::declared::Declared;
use super::doctor::finding;
use super::engine::{Engine, shared};
use crate::support::corporate::{Authority, Proxy, registry};
use crate::support::trials;

use containai::doctor::Code;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![a_guest_reaches_a_registry_through_a_proxy_that_leaves_without_a_trace]
}

const IMAGE: &str = "registry.corp.example/team/image:1";

/// What the settings could leave in the guest.
const TRACES: &str = "ls /etc/cai /etc/apt/apt.conf.d /usr/local/share/ca-certificates /etc/systemd/system \
                      /etc/systemd/system/docker.service.d 2>/dev/null; ls /etc/ssl/certs | grep cai-; \
                      sha256sum /etc/ssl/certs/ca-certificates.crt; env | grep -i _proxy; true";

/// Whether dockerd pulls the image, which is removed again; or why not.
fn pulls(engine: &Engine) -> Result<(), String> {
    let pull = engine.docker(&["pull", "--quiet", IMAGE]);
    if !pull.status.success() {
        return Err(pull.stderr);
    }
    engine.docker(&["image", "rm", IMAGE]).success();
    Ok(())
}

fn a_guest_reaches_a_registry_through_a_proxy_that_leaves_without_a_trace() {
    let authority = Authority::for_days(60);
    let server = authority.serve(&["registry.corp.example"], &registry());
    let proxy = Proxy::to(server);
    let engine = shared();
    let before = engine.guest(TRACES);
    engine.write("corp-ca.pem", &authority.certificate());
    engine.write("password.txt", "p@ss\n");
    let declared = format!(
        "[proxy]\nhttp = \"http://localhost:{0}\"\nhttps = \"http://localhost:{0}\"\nusername = \"me\"\n\
         password = {{ command = [\"cat\", \"{1}\"] }}\nno_proxy = [\"direct.example\"]\n",
        proxy.port,
        engine.path("password.txt").display(),
    );
    engine.declare(&Declared { tables: &declared, ..Declared::default() });
    let plan = engine.cai(&["plan"]);
    assert!(plan.fails_with(3).contains("run `cai allow`"), "{plan}");
    engine.cai(&["allow", "--yes"]).success();
    engine.plan_says(&[
        "+ proxy.guest",
        "VM restart",
        "dockerd must be restarted to load: the proxy",
    ]);
    engine.plan_says_not("p@ss");
    engine.plan_says_not("p%40ss");
    // The guest must not get the proxy of whoever starts it.
    engine.cai_with(&["apply", "--yes"], &[("HTTPS_PROXY", "http://other.example:1")]).success();
    engine.works();
    let why = pulls(&engine).unwrap_err();
    assert!(why.contains("certificate signed by unknown authority"), "{why}");

    let container = engine.container("keeper");
    let certificate = format!("{declared}[[trust]]\ncertificate = \"./corp-ca.pem\"\n");
    engine.declare(&Declared { tables: &certificate, ..Declared::default() });
    engine.plan_says(&["+ trust.corp-ca", "dockerd must be restarted to load: the certificates"]);
    engine.plan_says_not("VM restart");
    engine.apply_mends();
    assert_eq!(engine.running(), container, "the container did not live on");
    pulls(&engine).unwrap();
    assert!(proxy.requests().contains(&"CONNECT registry.corp.example:443 HTTP/1.1".to_owned()));

    let url = format!("http://me:p%40ss@host.lima.internal:{}", proxy.port);
    let environment = engine.guest("env");
    for line in [format!("https_proxy={url}"), format!("HTTP_PROXY={url}")] {
        assert!(environment.lines().any(|it| it == line), "{line}: {environment}");
    }
    engine.guest(
        "echo 'deb [trusted=yes] http://apt.corp.example ./' >/tmp/cai-test.list; sudo env -i apt-get -q update \
         -o Dir::Etc::sourcelist=/tmp/cai-test.list -o Dir::Etc::sourceparts=/dev/null \
         -o APT::Get::List-Cleanup=0 || true; rm /tmp/cai-test.list",
    );
    let from_apt = |request: &String| request.starts_with("GET http://apt.corp.example/");
    assert!(proxy.requests().iter().any(from_apt), "{:?}", proxy.requests());
    let containers = engine.cai_quietly(&["env", "--containers"]);
    assert!(containers.success().contains(&format!("HTTPS_PROXY={url}\n")), "{containers}");

    // Someone deletes the variables; dockerd still has them, so nothing is broken yet.
    engine.guest("sudo rm /etc/cai/proxy.env");
    finding(&engine, &[], Code::Drift);
    engine.cai(&["doctor", "--fix", "--yes"]).success();
    pulls(&engine).unwrap();
    // A restart between a change and its end is finished by the next run.
    let other = Authority::for_days(20);
    engine.write("corp-ca.pem", &other.certificate());
    engine.plan_says(&["~ trust.corp-ca", "the certificates"]);
    engine.apply_mends();
    assert!(pulls(&engine).unwrap_err().contains("unknown authority"));
    let doctor = engine.cai(&["doctor"]);
    assert!(doctor.success().contains("corp-ca.pem expires on "), "{doctor}");

    engine.docker(&["rm", "--force", "keeper"]).success();
    engine.declare(&Declared::default());
    engine.plan_says(&["- proxy.guest", "- trust.corp-ca", "VM restart"]);
    engine.apply_mends();
    assert_eq!(engine.guest(TRACES), before);
    assert!(pulls(&engine).is_err());
    engine.works();
}
