//! Times in the output of the guest's tools.

use std::time::UNIX_EPOCH;

/// The seconds since 1970 of a time that systemd printed in UTC: `Sat 2026-11-21 07:09:55 UTC`.
pub(super) fn seconds(text: &str) -> Option<u64> {
    let [_weekday, date, time, "UTC"] = text.split_whitespace().collect::<Vec<_>>()[..] else {
        return None;
    };
    let time = humantime::parse_rfc3339_weak(&format!("{date} {time}")).ok()?;
    Some(time.duration_since(UNIX_EPOCH).ok()?.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systemds_times_are_seconds() {
        for (text, expected) in [
            ("Sat 2026-11-21 07:09:55 UTC", Some(1_795_244_995)),
            ("Thu 1970-01-01 00:00:00 UTC", Some(0)),
            ("Tue 2000-02-29 00:00:00 UTC", Some(951_782_400)),
            ("Wed 2025-12-31 23:59:59 UTC", Some(1_767_225_599)),
            ("", None),
            ("n/a", None),
            ("Sat 2026-11-21 12:39:55 IST", None),
            ("Sat 0000-00-21 12:39:55 UTC", None),
            ("Sat 2026-11 12:39:55 UTC", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }
}
