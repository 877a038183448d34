//! `cai` creates and maintains a secure Docker engine in a Lima VM from one version-controlled file.
//!
//! These pages are for maintainers. `README.md` and `cai help` are for users.
//!
//! # How the code is organized
//!
//! The modules form layers: each uses only those above it in this list, and a test checks that.
//!
//! - [`model`]: names, sizes, versions and addresses of the domain as types; redaction; text helpers.
//! - [`host`]: the only effects. Nothing else starts a process or touches a file.
//! - [`config`]: `containai.toml`, with its errors shown on its own lines.
//! - [`lima`], [`guest`], [`docker`]: the tools' languages. Command lines, scripts, and parsers.
//! - [`plan`]: plans as data. Changes, reasons, steps, saved plans.
//! - [`resource`]: the kinds. What each should be, was observed to be, and the steps in between; pure.
//! - [`reconcile`]: the loop that knows no kind. It orders the resources, observes, plans and applies.
//! - [`doctor`]: findings from the facts and the plan, and the part of the plan that repairs them.
//! - [`report`]: plans, events, findings and errors as text, JSON and graphs.
//! - [`simulate`]: a simulated host. One world as data, with Lima, Docker and a guest in it.
//! - [`cli`]: the command line.
//!
//! # Where to change what
//!
//! | to change | edit |
//! |---|---|
//! | a key of the file | its type in `src/config/types`, its rules in `src/config/check`; then `examples/every-option.toml`, and the schema with `CAI_UPDATE_SCHEMA=1 cargo test --test main the_schema_is_that_of_the_types` |
//! | a kind of resource | its file in `src/resource`, a line in `KINDS` there, and a row in `tests/kinds.rs`, which checks the rest |
//! | how a change takes effect | `src/resource/restart` |
//! | a key of `daemon.json` | the table in `src/model/daemon_key.rs`, and `src/cli/topics/daemon.txt` |
//! | the facts observed in the guest | `src/guest/probe.sh`; the parsers are next to it |
//! | a script that runs in the guest | `src/guest/scripts`; the simulated guest recognizes it in `src/simulate/guest/scripts.rs` |
//! | a command line of Lima, ssh or Docker | `src/lima/command.rs`, `src/lima/ssh.rs`, `src/docker` |
//! | a finding of the doctor | its code in `src/plan/code.rs`, and the `diagnosis.rs` of its kind in `src/resource` |
//! | how plans and findings look | `src/report` |
//! | a command or an option | `src/cli/options/`, and its examples in `src/cli/examples.rs` |
//! | a help topic or a man page | `src/cli/topics`, `src/cli/manual` |
//! | a version of Lima or Sysbox with its checksums | `src/lima/release.rs`, `src/config/types/sysbox.rs` |
//!
//! # Which fake, when
//!
//! Use the first one that can fail for your reason.
//!
//! | fake | use it for | where |
//! |---|---|---|
//! | observed facts as data | plans and findings; no process runs | `tests/support/machine.rs`, used by `tests/planner` and `tests/doctor` |
//! | the simulated host, in the process | that an apply reaches the declared state, and faults, kills and interrupts in between | [`simulate::SimulatedHost`], used by `tests/simulate` |
//! | the simulated host behind real programs | argument lists, streams, exit codes, signals and broken tools | `tests/support/fake_world.rs`, used by `tests/faults` |
//! | shell scripts with fixed answers | one output of one tool | `tests/cli/fake.rs`, used by `tests/cli` |
//! | a real shell with fake tools | the scripts that run in the guest | `tests/probe.rs`, `tests/guest.rs`, `tests/sysbox.rs` |
//! | network namespaces with the kernel's firewall and a real resolver | the rules of `[egress]` | `tests/egress` |
//! | a real ansible-core and sshd, with simulated engines | the collection in `examples/ansible` | `tests/ansible` |
//! | a real dockerd and Compose, without a VM | containers that use a Docker socket | `tests/client` |
//! | a real guest behind a stand-in for `limactl` | sessions, systemd, restarts; slow | `tests/real` |
//!
//! # Tests
//!
//! `cargo test --locked` runs everything except the suites on a real guest, a real dockerd and
//! network namespaces, and the tests with Taplo, which are reported as ignored. At the end, it lists
//! the slowest tests, and how many cases of each family were tried and how many passed.
//!
//! `.ci/run`, on Debian as root, installs all dependencies of the tests and runs every check: `cargo
//! fmt`, clippy, a check of the fuzz targets, the check for macOS, the licenses and declared Rust
//! versions of all dependencies, the static program in its Debian package, and all tests, also with
//! Taplo and on a real guest: the VM tests first, the rest in parallel at a lower priority. It keeps
//! the output of each part in `target/ci`, and ends with a table of times and the test results. It
//! fails after more than 35 minutes (`CAI_CI_MINUTES` sets another limit); on two cores it takes 25
//! to 32, because the speed of such machines varies.
//!
//! | command | runs |
//! |---|---|
//! | `.ci/macos-check` | a type check of all targets for `aarch64-apple-darwin`, as root, without a Mac; nothing is linked or run |
//! | `.ci/static` | a build of the static program with musl for x86_64, as root; prints its path |
//! | `.ci/package` PROGRAM | the Debian package of that program; as root, installed, used and removed in a clean root |
//! | `.ci/deny` | the licenses and sources of all dependencies; `.ci/deny advisories` needs GitHub |
//! | `.ci/minimum-rust` | a comparison of the Rust versions that the dependencies declare with that of `Cargo.toml` |
//! | `.ci/taplo` `cargo test --locked --test main -- cli::editor::` | the tests with Taplo, which it installs |
//! | `.ci/fuzz` `[SECONDS]` | each fuzz target for half a minute, or for SECONDS |
//! | `cargo test --locked --test main -- --ignored soak` | the long soak: 500 rounds on the fake machine, 20 on a real guest, the points of the client matrix that are not needed to cover each pair of its values, and each finding of a client with the other Compose; it needs the packages and variables of `.ci/run` |
//! | `cargo bench` | the cost of a plan, as ratios within one run; a plan that changes nothing starts three processes for a VM, and 10,000 files are planned together on the simulated host in seconds |
//!
//! In the suite on a real guest, `limactl` is the stand-in in `tests/real/limactl`. It has Lima's
//! command line, messages and session semantics. With `CAI_TEST_REAL_VM=1`, it drives a QEMU guest.
//! Without hardware acceleration, the whole suite then takes an hour. With
//! `CAI_TEST_REAL_CONTAINER=1`, the guest is a systemd container on the host's kernel. The suite then
//! takes minutes and skips the scenarios of `real::vm`. To run the same suite against a real
//! `limactl`:
//!
//! ```sh
//! CAI_TEST_REAL_VM=1 CAI_TEST_LIMACTL=/path/to/limactl CAI_TEST_VM_CONFIG=/path/to/images.toml \
//!   cargo test --locked --test main -- real::
//! ```
//!
//! where `images.toml` holds `[[vm.images]]`, and `[vm.lima]` if needed.
//! `CAI_TEST_SYSBOX_PACKAGE=/path/to/deb` installs a real Sysbox package instead of the stand-in. Its
//! services run only with `CAI_TEST_REAL_VM=1`.
//!
//! With `CAI_TEST_ANSIBLE` set to the directory that `.ci/ansible` prints, `tests/ansible` runs the collection
//! for Ansible, and a team's day. It needs `/usr/sbin/sshd`, and for root also the directory `/run/sshd`.
//! With `CAI_TEST_PACKAGE=/path/to/deb`, the team has the program of this Debian package.
//!
//! `CAI_TEST_TAPLO` names the directory `node_modules` with `@taplo/cli` and `@taplo/lsp`, for the tests in
//! `tests/cli/editor` of what editors do with the schema.
//!
//! With `CAI_TEST_EGRESS=1`, as root, `tests/egress` tests the rules of `[egress]` in network
//! namespaces of this machine. It needs nft, dnsmasq and ip.
//!
//! # Releases
//!
//! The tag of a version starts `.github/workflows/release.yml`. It has not run yet. It checks
//! advisories, runs `cargo test --locked`, builds with the declared minimum Rust version, and drafts a
//! release: a static program and a Debian package for Linux, which it installs, a program for macOS,
//! both for x86_64 and aarch64, with a Homebrew formula, checksums, an SBOM and build provenance.
//! `.github/release-notes.md` says how to use them. Homebrew installs a formula only from a tap.

pub mod cli;
pub mod config;
pub mod docker;
pub mod doctor;
pub mod guest;
pub mod host;
pub mod lima;
pub mod model;
pub mod plan;
pub mod reconcile;
pub mod report;
pub mod resource;
pub mod simulate;
