//! Lima: missing or too old, and how it is installed.

use containai::config::Config;
use containai::model::address::Kind;
use containai::model::value::Known;
use containai::plan::{Action, Change, StepAction};
use containai::resource::facts::Facts;
use containai::simulate::MACOS;

use super::{change, effects, plan, reasons, steps};
use crate::support::machine::{config_with, fresh, healthy};
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        without_lima_the_release_archive_is_installed_first,
        an_old_lima_is_updated_and_says_from_what_to_what,
        what_the_file_says_of_the_archive_is_taken,
        homebrew_installs_lima_on_a_mac,
        homebrew_upgrades_only_its_own_lima,
        without_homebrew_a_mac_gets_the_archive,
        where_it_is_never_to_be_installed_the_plan_says_how,
        a_command_to_copy_runs_nothing_that_a_file_says,
        a_release_that_will_not_do_is_not_installed,
        a_version_that_excludes_the_next_major_one_is_explained,
        a_release_without_a_checksum_is_not_installed,
        lima_is_not_installed_where_it_could_not_be_used,
    ]
}

const URL: &str =
    "https://github.com/lima-vm/lima/releases/download/v2.2.0/lima-2.2.0-Linux-x86_64.tar.gz";
const SHA256: &str = "a0ea1ccf6b7335a900adb5f8d2b8384457965fecb1ba72f09b4e3e46d12f424a";

/// A machine without Lima. Everything that only Lima reports is unknown.
fn without_lima(config: &Config) -> Facts {
    let needs = containai::plan::Reason::After(containai::resource::LimaInstall::own_address());
    let mut facts = fresh(config);
    facts.tools.limactl = None;
    facts.vm = containai::plan::Observation::Unobservable(needs.clone());
    facts.guest = containai::plan::Observation::Unobservable(needs);
    facts
}

fn with_lima(config: &Config, path: &str, version: &str) -> Facts {
    let mut facts = healthy(config);
    facts.tools.limactl = Some((path.into(), version.parse().unwrap()));
    facts
}

/// The same machine with macOS, with or without Homebrew.
fn on_a_mac(mut facts: Facts, brew: bool) -> Facts {
    facts.platform = MACOS;
    facts.tools.brew = brew.then(|| "/opt/homebrew/bin/brew".into());
    facts
}

fn planned(config: &Config, facts: &Facts) -> Change {
    change(&plan(config, facts), Kind::LIMA_INSTALL).clone()
}

/// The problem of the plan, and its hint.
#[track_caller]
fn problem(config: &Config, facts: &Facts) -> (String, String) {
    let plan = plan(config, facts);
    let problems: Vec<_> = plan.problems().collect();
    let [(address, problem)] = problems[..] else { panic!("{problems:?}") };
    assert_eq!(address.to_string(), "lima_install.lima");
    assert!(change(&plan, Kind::LIMA_INSTALL).steps.is_empty(), "it would be done all the same");
    (problem.to_string(), problem.hint())
}

fn without_lima_the_release_archive_is_installed_first() {
    let config = config_with("");
    let facts = without_lima(&config);
    let plan = plan(&config, &facts);
    let deferred = [
        Kind::VM,
        Kind::PROVISION,
        Kind::PROVISION,
        Kind::GROUP_MEMBERSHIP,
        Kind::RESTART,
        Kind::SOCKET,
    ];
    let mut expected = vec![(Kind::LIMA_INSTALL, Action::Create)];
    expected.extend(deferred.map(|kind| (kind, Action::Deferred)));
    expected.push((Kind::CONTEXT, Action::Create));
    assert_eq!(effects(&plan), expected);
    assert_eq!(plan.problems().count(), 0);
    let install = change(&plan, Kind::LIMA_INSTALL);
    let into = "/home/dev/.local/share/cai/lima/2.2.0";
    let after: Vec<_> = install.after.iter().map(|(name, _)| name).collect();
    assert_eq!(after, ["version", "from", "sha256", "into"]);
    assert_eq!(install.after.text("version"), Some("2.2.0"));
    assert_eq!(install.after.text("from"), Some(URL));
    assert_eq!(install.after.text("sha256"), Some(SHA256));
    assert_eq!(install.after.text("into"), Some(into));
    let [step] = &install.steps[..] else { panic!("{:?}", install.steps) };
    let StepAction::Unpack(archive) = &step.operation else { panic!("{step:?}") };
    assert_eq!((archive.url.as_str(), archive.sha256.as_str()), (URL, SHA256));
    assert_eq!(archive.directory.to_str(), Some(into));
}

fn an_old_lima_is_updated_and_says_from_what_to_what() {
    let config = config_with("");
    let change = planned(&config, &with_lima(&config, "/usr/bin/limactl", "1.0.7"));
    assert_eq!(change.action, Action::Update);
    assert_eq!(change.before.as_ref().unwrap().text("version"), Some("1.0.7"));
    assert_eq!(change.after.text("version"), Some("2.2.0"));
    assert_eq!(steps(&change), [format!("unpack {URL}")]);
    let change = planned(&config, &with_lima(&config, "/usr/bin/limactl", "1.1.0"));
    assert_eq!(change.action, Action::NoOp, "{}", reasons(&change));
}

fn what_the_file_says_of_the_archive_is_taken() {
    let digits = "0a".repeat(32);
    let config = config_with(&format!(
        "[lima]\ninstall = \"auto\"\nrelease = \"2.1.4\"\nurl = \"http://localhost:1/lima/\"\n\
         [lima.sha256]\nlinux-aarch64 = \"{digits}\"\n"
    ));
    let mut facts = without_lima(&config);
    facts.platform.arch = MACOS.arch;
    let change = planned(&config, &facts);
    assert_eq!(
        change.after.text("from"),
        Some("http://localhost:1/lima/v2.1.4/lima-2.1.4-Linux-aarch64.tar.gz")
    );
    assert_eq!(change.after.text("sha256"), Some(digits.as_str()));
}

fn homebrew_installs_lima_on_a_mac() {
    let config = config_with("");
    let change = planned(&config, &on_a_mac(without_lima(&config), true));
    assert_eq!(change.action, Action::Create);
    assert_eq!(change.after.get("version"), Some(&Known::Unknown));
    assert_eq!(change.after.text("from"), Some("Homebrew"));
    assert_eq!(steps(&change), ["brew install lima"]);
    // On Linux, Homebrew does not matter: the archive needs less.
    let mut facts = without_lima(&config);
    facts.tools.brew = Some("/home/linuxbrew/.linuxbrew/bin/brew".into());
    assert_eq!(steps(&planned(&config, &facts)), [format!("unpack {URL}")]);
}

fn homebrew_upgrades_only_its_own_lima() {
    let config = config_with("");
    let facts = on_a_mac(with_lima(&config, "/opt/homebrew/bin/limactl", "1.0.7"), true);
    let change = planned(&config, &facts);
    assert_eq!(change.action, Action::Update);
    assert_eq!(steps(&change), ["brew upgrade lima"]);
    let facts = on_a_mac(with_lima(&config, "/usr/local/bin/limactl", "1.0.7"), true);
    let url = URL.replace("Linux-x86_64", "Darwin-arm64");
    assert_eq!(steps(&planned(&config, &facts)), [format!("unpack {url}")]);
}

fn without_homebrew_a_mac_gets_the_archive() {
    let config = config_with("");
    let url = URL.replace("Linux-x86_64", "Darwin-arm64");
    let change = planned(&config, &on_a_mac(without_lima(&config), false));
    assert_eq!(steps(&change), [format!("unpack {url}")]);
}

fn where_it_is_never_to_be_installed_the_plan_says_how() {
    let config = config_with("[lima]\ninstall = \"never\"\n");
    let sha256 = "a0ea1ccf6b7335a900adb5f8d2b8384457965fecb1ba72f09b4e3e46d12f424a";
    // Root compares the checksum before it unpacks the archive.
    let unpack = format!(
        "run: curl -fsSLo lima.tar.gz {URL} && echo '{sha256}  lima.tar.gz' | sha256sum -c && \
         sudo tar xzf lima.tar.gz -C /usr/local"
    );
    let bare = without_lima(&config);
    let old = with_lima(&config, "/bin/limactl", "1.0.7");
    for (bare, old, install, upgrade) in [
        (
            on_a_mac(bare.clone(), true),
            on_a_mac(old.clone(), true),
            "run: brew install lima",
            "run: brew upgrade lima",
        ),
        (bare, old, unpack.as_str(), unpack.as_str()),
    ] {
        let (what, hint) = problem(&config, &bare);
        assert_eq!((what.as_str(), hint.as_str()), ("limactl is not on PATH", install));
        let (what, hint) = problem(&config, &old);
        assert_eq!(what, "limactl is 1.0.7, but the file requires >=1.1");
        assert_eq!(hint, upgrade);
    }
}

fn a_command_to_copy_runs_nothing_that_a_file_says() {
    let hint = |lines: &str| {
        let config = config_with(&format!("[lima]\ninstall = \"never\"\n{lines}"));
        problem(&config, &without_lima(&config))
    };
    let (_, command) = hint("url = \"https://mirror.example/$(id);`id`|'x\"\n");
    let words = shlex::split(&command).unwrap();
    let expected = "https://mirror.example/$(id);`id`|'x/v2.2.0/lima-2.2.0-Linux-x86_64.tar.gz";
    assert!(words.iter().any(|word| word == expected), "{command}");
    let (what, advice) = hint("release = \"2.1.0\"\n");
    assert!(what.contains("checksum") && advice.contains("[lima.sha256]"), "{what}: {advice}");
}

fn a_release_that_will_not_do_is_not_installed() {
    let config = config_with("[lima]\nversion = \">=3\"\n");
    let (what, hint) = problem(&config, &without_lima(&config));
    assert_eq!(what, "cai would install Lima 2.2.0, but the file requires >=3");
    assert!(hint.contains("`release` under [lima]") && hint.contains("[lima.sha256]"), "{hint}");
}

fn a_version_that_excludes_the_next_major_one_is_explained() {
    let open = "write version = \">=1.1\" under [lima] to accept it, or ";
    let config = config_with("[lima]\nversion = \"1.1\"\n");
    let (what, hint) = problem(&config, &without_lima(&config));
    assert_eq!(what, "cai would install Lima 2.2.0, but the file requires >=1.1, <2.0");
    assert!(hint.starts_with(open), "{hint}");
    let config = config_with("[lima]\nversion = \"1.1\"\ninstall = \"never\"\n");
    let (what, hint) = problem(&config, &with_lima(&config, "/bin/limactl", "2.2.0"));
    assert_eq!(what, "limactl is 2.2.0, but the file requires >=1.1, <2.0");
    assert!(hint.starts_with(&format!("{open}run: ")), "{hint}");
}

fn a_release_without_a_checksum_is_not_installed() {
    let digits = "0a".repeat(32);
    let lines = format!("release = \"2.1.4\"\n[lima.sha256]\nlinux-aarch64 = \"{digits}\"\n");
    let config = config_with(&format!("[lima]\n{lines}"));
    let (what, hint) = problem(&config, &without_lima(&config));
    assert_eq!(what, "the checksum of Lima 2.1.4 for linux-x86_64 is unknown");
    assert!(hint.starts_with("write linux-x86_64 = \"…\" under [lima.sha256]"), "{hint}");
    // For cai's default release, the file does not need the checksums.
    let config = config_with("[lima]\nrelease = \"2.2.0\"\n");
    let change = planned(&config, &without_lima(&config));
    assert_eq!(change.after.text("sha256"), Some(SHA256));
}

fn lima_is_not_installed_where_it_could_not_be_used() {
    let config = config_with("");
    let mut facts = without_lima(&config);
    facts.tools.ssh = None;
    assert_eq!(problem(&config, &facts).0, "ssh is not on PATH");
}
