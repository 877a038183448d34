//! The output of `limactl --version`.

use semver::Version;

/// Reads `limactl version 2.2.0`, also with a `v`, a pre-release or a commit after it.
///
/// A pre-release counts as its release: builds from a branch of Lima report `2.2.0-beta.0-12-gabc`,
/// and a requirement such as `>=1.1` is meant to accept them.
pub fn parse_version(output: &str) -> Option<Version> {
    let word = output
        .lines()
        .find_map(|line| line.trim().strip_prefix("limactl version "))?
        .trim()
        .trim_start_matches('v');
    let release = word.split(['-', '+', ' ']).next()?;
    let mut numbers = release.split('.').map(str::parse::<u64>);
    let mut next = || numbers.next().unwrap_or(Ok(0)).ok();
    Some(Version::new(next()?, next()?, next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_releases_and_branch_builds_print() {
        assert_eq!(parse_version("limactl version 2.2.0\n"), Some(Version::new(2, 2, 0)));
        assert_eq!(parse_version("limactl version v1.1\n"), Some(Version::new(1, 1, 0)));
        assert_eq!(
            parse_version("warning\nlimactl version 2.0.0-beta.0-3-gabc\n"),
            Some(Version::new(2, 0, 0))
        );
    }

    #[test]
    fn refuses_what_is_no_version() {
        for text in ["", "limactl", "limactl version ", "limactl version <unknown>", "docker 28"] {
            assert_eq!(parse_version(text), None, "{text:?}");
        }
    }
}
