//! Times as the tools of a guest print them.

/// The seconds since 1970 of a time that systemd printed in UTC: `Sat 2026-11-21 07:09:55 UTC`.
pub(super) fn seconds(text: &str) -> Option<u64> {
    let [_weekday, date, time, "UTC"] = text.split_whitespace().collect::<Vec<_>>()[..] else {
        return None;
    };
    let ([year, month, day], [hour, minute, second]) = (numbers(date, '-')?, numbers(time, ':')?);
    // The Gregorian date, counting years from March so that the leap day is the last one.
    let (month, year) =
        if month > 2 { (month - 3, year) } else { (month + 9, year.checked_sub(1)?) };
    let days = year * 365 + year / 4 - year / 100 + year / 400;
    let days = (days + (153 * month + 2) / 5 + day).checked_sub(719_469)?;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

/// Three numbers with a sign between them, each small enough to reckon with.
fn numbers(text: &str, sign: char) -> Option<[u64; 3]> {
    let numbers: Option<Vec<u64>> =
        text.split(sign).map(|digits| digits.parse::<u16>().ok().map(u64::from)).collect();
    numbers?.try_into().ok()
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
