//! Version requirements in Cargo's syntax: "1.1" means "^1.1".

use semver::{Comparator, Op, Prerelease, Version, VersionReq};

/// The same requirement without carets, which not every reader knows: "1.1" is ">=1.1, <2.0".
pub fn spelled_out(requirement: &VersionReq) -> VersionReq {
    let spelled = |comparator: &Comparator| match comparator.op {
        Op::Caret => {
            let from = Comparator { op: Op::GreaterEq, ..comparator.clone() };
            vec![from, below(comparator)]
        }
        _ => vec![comparator.clone()],
    };
    VersionReq { comparators: requirement.comparators.iter().flat_map(spelled).collect() }
}

/// The first version that a caret requirement refuses, by its first nonzero number.
fn below(caret: &Comparator) -> Comparator {
    let (mut major, mut minor, mut patch) = (caret.major, caret.minor, caret.patch);
    match (major, minor, patch) {
        (0, Some(0), Some(last)) => patch = Some(last + 1),
        (0, Some(middle), _) => (minor, patch) = (Some(middle + 1), patch.map(|_| 0)),
        _ => (major, minor, patch) = (major + 1, minor.map(|_| 0), patch.map(|_| 0)),
    }
    Comparator { op: Op::Less, major, minor, patch, pre: Prerelease::EMPTY }
}

/// A requirement that also accepts this version, if a caret requirement refuses it as too new.
pub fn open_ended(requirement: &VersionReq, version: &Version) -> Option<VersionReq> {
    let [caret @ Comparator { op: Op::Caret, .. }] = requirement.comparators.as_slice() else {
        return None;
    };
    let from = Comparator { op: Op::GreaterEq, ..caret.clone() };
    let open = VersionReq { comparators: vec![from] };
    (open.matches(version) && !requirement.matches(version)).then_some(open)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requirement(text: &str) -> VersionReq {
        VersionReq::parse(text).unwrap()
    }

    #[test]
    fn a_caret_is_spelled_out_as_what_it_accepts() {
        for (text, expected) in [
            ("1.1", ">=1.1, <2.0"),
            ("^1", ">=1, <2"),
            ("1.1.2", ">=1.1.2, <2.0.0"),
            ("0.3", ">=0.3, <0.4"),
            ("0.3.1", ">=0.3.1, <0.4.0"),
            ("0.0.3", ">=0.0.3, <0.0.4"),
            (">=1.1", ">=1.1"),
            ("=2.2.0", "=2.2.0"),
        ] {
            let spelled = spelled_out(&requirement(text));
            assert_eq!(spelled.to_string(), expected);
            for version in ["0.0.3", "0.0.4", "0.3.0", "0.4.0", "1.0.9", "1.1.0", "1.9.9", "2.2.0"]
            {
                let version = Version::parse(version).unwrap();
                let accepts = requirement(text).matches(&version);
                assert_eq!(spelled.matches(&version), accepts, "{text} and {version}");
            }
        }
    }

    #[test]
    fn only_what_is_too_new_for_a_caret_needs_an_open_end() {
        let open = |text: &str, version: &str| {
            let version = Version::parse(version).unwrap();
            open_ended(&requirement(text), &version).map(|it| it.to_string())
        };
        assert_eq!(open("1.1", "2.2.0").as_deref(), Some(">=1.1"));
        assert_eq!(open("1.1", "1.5.0"), None, "it is accepted");
        assert_eq!(open("1.1", "1.0.0"), None, "it is too old");
        assert_eq!(open("=1.1.0", "2.2.0"), None, "it is one version on purpose");
    }
}
