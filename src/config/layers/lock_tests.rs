//! Keys that the organization's file locks.

use super::tests::{FILE, LOCAL, ORGANIZATION, errors, read};
use crate::config::diagnostic::render;

#[test]
fn a_locked_key_cannot_be_changed() {
    let organization = (
        ORGANIZATION,
        "locked = [\"egress\", \"vm.mounts\", \"vm.lima\", \"sysbox.enabled\"]\n\
         [egress]\nallow = [\"a.example\"]\n[[vm.mounts]]\nlocation = \"/src\"\n",
    );
    let with = |file: &str| read(&[organization, (FILE, &format!("version = 1\n{file}"))]);
    for same in ["", "[egress]\nallow = [\"a.example\"]\n", "[[vm.mounts]]\nlocation = \"/src\"\n"]
    {
        let config = with(same).unwrap();
        assert_eq!(config.vm.mounts.len(), 1, "{same}");
        assert!(config.egress.is_some());
    }
    for (file, key, line) in [
        ("[egress]\nallow = [\"b.example\"]\n", "egress", 3),
        ("[egress]\nblock_private = false\n", "egress", 3),
        ("[vm]\nmounts = []\n", "vm.mounts", 3),
        ("[[vm.mounts]]\nlocation = \"/src\"\nwritable = true\n", "vm.mounts", 2),
        ("[[vm.mounts]]\nlocation = \"/\"\n", "vm.mounts", 2),
        ("[vm.lima]\nmessage = \"m\"\n", "vm.lima", 2),
        ("[sysbox]\nenabled = false\n", "sysbox.enabled", 3),
    ] {
        let (sources, errors) = with(file).unwrap_err();
        let text = render(&errors, &sources, false);
        assert!(text.contains(&format!("`{key}` is locked by {ORGANIZATION}")), "{text}");
        assert!(text.contains(&format!("containai.toml:{line}:")), "{text}");
        assert!(
            text.contains("::: /etc/cai/containai.toml:1:") && text.contains("locked here"),
            "{text}"
        );
    }
    // The local file, and those that the file extends, cannot either.
    let local = errors(&[organization, (FILE, "version = 1"), (LOCAL, "[vm]\nmounts = []\n")]);
    assert!(local.contains("`vm.mounts` is locked by"), "{local}");
    let base = ("/team/b.toml", "[vm]\nmounts = []\n");
    let base = errors(&[organization, base, (FILE, "version = 1\nextends = \"../b.toml\"")]);
    assert!(base.contains("`vm.mounts` is locked by"), "{base}");
}

#[test]
fn a_lock_holds_for_values_that_replace_more_than_they_name() {
    for (locked, file) in [
        // These arrays are replaced, not merged.
        (
            "[[docker.daemon.default-address-pools]]\nbase = \"10.1.0.0/16\"\nsize = 24\n\
             [[docker.daemon.default-address-pools]]\nbase = \"10.2.0.0/16\"\nsize = 24\n",
            "[docker.daemon]\ndefault-address-pools = [{ base = \"10.2.0.0/16\", size = 24 }]\n",
        ),
        // The same text is another file in another directory.
        (
            "[docker]\nseccomp_profile = \"./s.json\"\n",
            "[docker]\nseccomp_profile = \"./s.json\"\n",
        ),
        // A source of a value is one value.
        ("[vm.env]\nT = { env = \"T\", sensitive = true }\n", "[vm.env]\nT = { env = \"T\" }\n"),
    ] {
        let keys = "locked = [\"docker\", \"vm.env\"]\n";
        let organization = format!("{keys}{locked}");
        let text =
            errors(&[(ORGANIZATION, &organization), (FILE, &format!("version = 1\n{file}"))]);
        assert!(text.contains("is locked by"), "{text}");
    }
}

#[test]
fn a_lock_names_a_key_and_is_in_the_organizations_file() {
    let text = errors(&[(ORGANIZATION, "locked = [\"vm.mount\"]"), (FILE, "version = 1")]);
    assert!(
        text.contains("unknown key `mount`") && text.contains("did you mean `mounts`?"),
        "{text}"
    );
    let text = errors(&[(ORGANIZATION, "locked = [5, \"a b\"]"), (FILE, "version = 1")]);
    assert_eq!(text.matches("expected the name of a key").count(), 2, "{text}");
    let text = errors(&[(FILE, "version = 1\nlocked = [\"vm\"]")]);
    assert!(text.contains("only the organization's file can lock keys"), "{text}");
    let text = errors(&[(ORGANIZATION, "locked = [\"extends\"]"), (FILE, "version = 1")]);
    assert!(text.contains("`extends` cannot be locked"), "{text}");
    let free = (ORGANIZATION, "locked = [\"docker.daemon.mtu\", \"vm.env.\\\"A\\\"\"]");
    assert!(read(&[free, (FILE, "version = 1")]).is_ok());
}
