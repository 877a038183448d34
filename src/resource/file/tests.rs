use super::*;
use crate::guest::Document;

fn guest(sections: &[(&str, &str)]) -> GuestFacts {
    let sections = sections.iter().map(|(name, text)| format!("@m {name}\n{text}\n@m = 0\n"));
    let text = sections.collect::<String>() + "@m end\n";
    GuestFacts::read(&Document::parse(&text, "m").unwrap())
}

#[test]
fn a_text_is_known_by_its_checksum() {
    for (text, is_kept) in [("a\nb\n", true), ("a\nb", true), ("", true), ("a\n\n", false)] {
        let sum = sha256(text.as_bytes());
        let guest = guest(&[
            ("file_status", "regular file|600|bob:root|/etc/a|b\nregular file|644|root:root|/a"),
            ("file_sum /etc/a|b", &format!("sudo: no such host\n{sum}  /etc/a|b")),
            ("file_text /etc/a|b", text),
        ]);
        let actual = Actual::read(&guest, "/etc/a|b").unwrap();
        assert_eq!((actual.mode, actual.owner, actual.sha256), (0o600, "bob:root", &*sum));
        assert_eq!(actual.text.as_deref(), Some(text).filter(|_| is_kept), "{text:?}");
        assert!(Actual::read(&guest, "/etc/a").is_none());
    }
}

#[test]
fn what_is_no_file_is_left_alone() {
    let guest = guest(&[("file_status", "directory|755|root:root|/a")]);
    let actual = Actual::read(&guest, "/a").unwrap();
    let problem = actual.problem("/a").unwrap();
    assert_eq!(problem.to_string(), "/a in the guest is a directory");
    assert_eq!(actual.state(None).content, None);
}
