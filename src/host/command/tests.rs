use super::*;

#[test]
fn a_command_is_shown_as_one_would_type_it() {
    let command = CommandSpec::new("/opt/bin/limactl").args(["--tty=false", "a b", "$(x)", ""]);
    assert_eq!(command.to_string(), "limactl --tty=false 'a b' '$(x)' ''");
}

#[test]
fn a_long_argument_is_cut_and_a_control_character_cannot_reach_the_terminal() {
    let command = CommandSpec::new("x").arg("\u{1b}[2J").arg("é".repeat(200));
    let shown = command.to_string();
    assert!(!shown.contains('\u{1b}'), "{shown}");
    assert!(shown.contains('…') && shown.chars().count() < 190, "{shown}");
}

#[test]
fn a_command_gives_up_by_itself_before_it_is_killed() {
    let command = CommandSpec::new("x").telling_timeout().arg("y");
    for (seconds, line) in [
        (30 * 60 + 30, "x --timeout=1800s y"),
        (120, "x --timeout=90s y"),
        (90, "x --timeout=67500ms y"),
        (1, "x --timeout=750ms y"),
    ] {
        let command = command.clone().timeout(Duration::from_secs(seconds));
        assert_eq!(command.to_string(), line);
    }
    let plain = CommandSpec::new("x").arg("y").timeout(Duration::from_secs(1));
    assert_eq!(plain.to_string(), "x y");
}

#[test]
fn a_failure_can_be_told_without_the_arguments() {
    let command = CommandSpec::new("/usr/bin/ssh").args(["-F", "file", "a long script"]);
    let stderr = "\nssh: refused\nbye".to_owned();
    let output = Output { status: ExitStatus::Code(255), stdout: String::new(), stderr };
    let error = output.successful(&command).unwrap_err();
    assert_eq!(error.without_arguments(), "`ssh` failed with exit status 255: ssh: refused");
}
