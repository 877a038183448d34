//! Lima's lines in the guest's boot log, between the output of the scripts.

/// The output of the script that failed last, from cloud-init's log. The lines of Lima after it are
/// not a cause (measured with Lima 2.2.0: nine lines, and more if more scripts follow). A log
/// without Lima's lines is returned unchanged.
pub(crate) fn failed_script(mut log: Vec<String>) -> Vec<String> {
    if let Some(end) = last(&log, "| WARNING: Failed to execute ") {
        log.truncate(end);
    }
    if let Some(start) = last(&log, "| Executing ") {
        log.drain(..=start);
    }
    log
}

/// The position of Lima's last line that contains this text.
fn last(log: &[String], words: &str) -> Option<usize> {
    log.iter().rposition(|line| line.starts_with("LIMA ") && line.contains(words))
}

#[cfg(test)]
mod tests {
    use super::failed_script;

    /// The log of Lima 2.2.0 in a Debian 12 guest, on its second boot.
    const LOG: &str = "\
LIMA 2026-11-21T19:41:13+00:00| Executing /mnt/lima-cidata/provision.system/00000000
Job for docker.service failed on the first boot.
LIMA 2026-11-21T19:41:20+00:00| WARNING: Failed to execute /mnt/lima-cidata/provision.system/00000000
Cloud-init v. 22.4.2 running 'init' at Sat, 21 Nov 2026 19:57:58 +0000. Up 71.34 seconds.
LIMA 2026-11-21T19:58:43+00:00| Executing /mnt/lima-cidata/boot.Linux/40-install-containerd.sh
+ exit 0
LIMA 2026-11-21T19:58:44+00:00| Executing /mnt/lima-cidata/provision.system/00000000
Executing: /lib/systemd/systemd-sysv-install enable docker
Job for docker.service failed because the control process exited with error code.
LIMA 2026-11-21T19:59:07+00:00| WARNING: Failed to execute /mnt/lima-cidata/provision.system/00000000
LIMA 2026-11-21T19:59:07+00:00| Exiting with code 1
2026-11-21 19:59:07,435 - cc_scripts_per_boot.py[WARNING]: Failed to run module scripts-per-boot";

    fn kept(log: &str) -> Vec<String> {
        failed_script(log.lines().map(str::to_owned).collect())
    }

    #[test]
    fn of_a_boots_log_it_is_what_the_failed_script_printed() {
        assert_eq!(
            kept(LOG),
            [
                "Executing: /lib/systemd/systemd-sysv-install enable docker",
                "Job for docker.service failed because the control process exited with error code.",
            ]
        );
    }

    #[test]
    fn a_script_that_printed_more_than_was_read_is_cut_at_its_end_only() {
        let (_, later) = LOG.split_once("systemd-sysv-install enable docker\n").unwrap();
        assert_eq!(kept(later), [later.lines().next().unwrap()]);
    }

    #[test]
    fn another_log_stays() {
        assert_eq!(kept("E: Failed\n| Executing x"), ["E: Failed", "| Executing x"]);
        assert!(kept("").is_empty());
    }
}
