//! A plan that changes nothing, against its slowest probe.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use containai::guest::probe::{self, Part};
use containai::host::Input;
use containai::lima::Ssh;

use crate::fake_world::{FakeWorld, VARIABLE};
use crate::figure;

const RUNS: usize = 15;

/// How long the real programs take about, on a machine that is not busy.
pub fn takes(program: &str, arguments: &[String]) -> Duration {
    Duration::from_millis(match program {
        "limactl" if arguments.iter().any(|argument| argument == "list") => 50,
        "limactl" => 20,
        "ssh" => 150,
        "docker" => 30,
        _ => 0,
    })
}

/// Takes that long, where this process was started as one of them.
pub fn delay(program: &str, arguments: &[String]) {
    if std::env::var_os(VARIABLE).is_some() {
        std::thread::sleep(takes(program, arguments));
    }
}

fn median(mut run: impl FnMut() -> Duration) -> Duration {
    let mut times: Vec<Duration> = (0..RUNS).map(|_| run()).collect();
    times.sort();
    times[RUNS / 2]
}

pub fn run(with: &str, tables: &str) -> bool {
    let world = FakeWorld::new(&format!("version = 1\n{tables}"));
    world.cai(&["apply", "--yes"]).success();
    assert!(world.cai(&["plan"]).success().starts_with("No changes."));
    world.calls();
    world.cai(&["plan"]).success();
    let calls = world.calls();
    let directory = world.sandbox.path("lima/containai-secure");
    let name = "containai-secure".parse().unwrap();
    let ssh = Ssh::new(world.sandbox.path("bin/ssh"), &directory, &name);
    let look = probe::look(&ssh, "mark", &[], Part::Whole);
    let Some(Input::Text(script)) = &look.stdin else { panic!("the script is a text") };

    let plan = median(|| {
        let started = Instant::now();
        world.cai(&["plan"]).success();
        started.elapsed()
    });
    let probe = median(|| {
        let started = Instant::now();
        let mut command = Command::new(&look.program);
        command.args(&look.args).env(VARIABLE, world.sandbox.path("world"));
        let mut ssh =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the fake ssh");
        ssh.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        let output = ssh.wait_with_output().unwrap();
        assert!(String::from_utf8_lossy(&output.stdout).contains("@mark end"));
        started.elapsed()
    });
    world.calls();
    let doctor = median(|| {
        let started = Instant::now();
        assert!(world.cai(&["doctor"]).success().starts_with("Healthy."));
        started.elapsed()
    });
    #[expect(clippy::cast_precision_loss, reason = "it is a handful")]
    let doctors = world.calls().len() as f64 / RUNS as f64;
    let own = plan.saturating_sub(probe);
    println!(
        "a converged plan{with}: {plan:?}; its slowest probe alone: {probe:?}; {}",
        calls.join(" | ")
    );
    let ratio = plan.as_secs_f64() / probe.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "it is a handful")]
    let count = calls.len() as f64;
    [
        figure(&format!("child processes of a converged plan{with}"), count, 3.0, ""),
        figure(&format!("a converged plan / its slowest probe{with}"), ratio, 1.3, ""),
        figure(&format!("child processes of a healthy doctor{with}"), doctors, 3.0, ""),
        figure(
            &format!("a healthy doctor / a converged plan{with}"),
            doctor.as_secs_f64() / plan.as_secs_f64(),
            1.3,
            "",
        ),
        figure(
            &format!("what cai adds to its slowest probe{with}"),
            own.as_secs_f64() * 1e3,
            15.0,
            " ms",
        ),
    ]
    .into_iter()
    .all(|holds| holds)
}
