//! What becomes of the values of two layers.

use super::tests::{FILE, errors, read};

#[test]
fn arrays_of_tables_merge_by_their_keys() {
    let base = "\
version = 1
[[users]]
name = \"bob\"
uid = 1500
groups = [\"docker\"]
[[groups]]
name = \"data\"
[[files]]
path = \"/etc/a\"
content = \"a\"
mode = \"0600\"
[[vm.mounts]]
location = \"/src/\"
writable = true
[[vm.port_forwards]]
guest_port = 80
[[vm.images]]
arch = \"x86_64\"
location = \"https://a/b.img\"
digest = \"sha256:eeff273671467b8fa351ab3d40709759462dc03d9f7b50a1b207b37982ce40a9\"
";
    let file = "\
extends = \"../base.toml\"
[[users]]
name = \"bob\"
shell = \"/bin/sh\"
[[users]]
name = \"eve\"
[[groups]]
name = \"data\"
gid = 2000
[[files]]
path = \"/etc/a\"
source = \"./a\"
[[vm.mounts]]
location = \"/src\"
[[vm.mounts]]
location = \"/other\"
[[vm.port_forwards]]
guest_port = 80
guest_ip = \"127.0.0.1\"
proto = \"any\"
host_port = 8080
[[vm.images]]
arch = \"x86_64\"
location = \"https://a/c.img\"
";
    let config = read(&[("/team/base.toml", base), (FILE, file)]).unwrap();
    let users: Vec<_> = config.users.iter().map(|it| (it.name.to_string(), it.uid)).collect();
    assert!(users.contains(&("bob".into(), Some(1500))), "{users:?}");
    assert!(users.contains(&("eve".into(), None)), "{users:?}");
    let bob = config.users.iter().find(|it| it.uid == Some(1500)).unwrap();
    assert_eq!(bob.shell.as_deref(), Some("/bin/sh"));
    assert_eq!(config.groups.len(), 1);
    assert_eq!(config.groups[0].gid, Some(2000));
    // Another source of the file takes the place of its text, and the rest stays.
    let file = &config.files[0];
    assert_eq!(
        (file.content.as_ref(), file.source.as_deref(), file.mode),
        (None, Some("./a"), 0o600)
    );
    let mounts: Vec<_> =
        config.vm.mounts.iter().map(|it| (it.location.as_str(), it.writable)).collect();
    assert_eq!(mounts, [("/src", true), ("/other", false)]);
    assert_eq!(config.vm.port_forwards.len(), 1);
    assert_eq!(config.vm.port_forwards[0].host_port, Some(8080));
    // A digest is that of one image only.
    let image = &config.vm.images[0];
    assert_eq!((image.location.as_str(), image.digest.as_ref()), ("https://a/c.img", None));
}

#[test]
fn packages_of_another_version_of_sysbox_are_told_with_both_places() {
    let package = "[[sysbox.packages]]\narch = \"x86_64\"\nurl = \"./s.deb\"\n\
        sha256 = \"9d6d5484f980d0a17f86c492c1262015c2afb66280bdb97215b79fde6a0261c5\"\n";
    let base =
        ("/team/base.toml", format!("version = 1\n[sysbox]\nversion = \"0.7.1\"\n{package}"));
    let file =
        |more: &str| format!("extends = \"../base.toml\"\n[sysbox]\nversion = \"0.7.0\"\n{more}");
    let base = (base.0, base.1.as_str());
    let text = errors(&[base, (FILE, &file(""))]);
    assert!(text.contains("this is the package of Sysbox 0.7.1, not 0.7.0"), "{text}");
    assert!(text.contains("containai.toml:3") && text.contains("../base.toml:7"), "{text}");
    assert!(read(&[base, (FILE, &file("packages = []\n"))]).unwrap().sysbox.packages.is_empty());
}

#[test]
fn an_empty_array_removes_the_elements_and_another_array_replaces_the_list() {
    let base =
        "version = 1\n[[vm.mounts]]\nlocation = \"/src\"\n[egress]\nallow = [\"a.example\"]\n";
    let file =
        "extends = [\"../base.toml\"]\n[vm]\nmounts = []\n[egress]\nallow = [\"b.example\"]\n";
    let config = read(&[("/team/base.toml", base), (FILE, file)]).unwrap();
    assert_eq!(config.vm.mounts, []);
    assert!(!config.vm.left_out.mounts);
    assert_eq!(config.egress.unwrap().policy().entries.len(), 1);
    // Without any user, the VM's login user still has access to the engine.
    let base = "version = 1\n[[users]]\nname = \"ci\"\n";
    let file = "extends = \"../base.toml\"\nusers = []\n";
    let users = read(&[("/team/base.toml", base), (FILE, file)]).unwrap().users;
    assert_eq!(users.iter().map(|it| it.name.to_string()).collect::<Vec<_>>(), ["@lima"]);
}

#[test]
fn a_source_of_a_value_is_replaced_as_a_whole() {
    let base = "version = 1\n[vm.env]\nTOKEN = { env = \"A\", sensitive = true }\nB = \"b\"\n";
    let file = "extends = \"../base.toml\"\n[vm.env]\nTOKEN = \"t\"\nB = { env = \"B\" }\n";
    let config = read(&[("/team/base.toml", base), (FILE, file)]).unwrap();
    let values: Vec<_> =
        config.vm.env.values().map(|it| (it.value.as_deref(), it.sensitive)).collect();
    // What a lower layer hides stays hidden, unless the file says otherwise.
    assert_eq!(values, [(None, false), (Some("t"), true)]);
    let file =
        "extends = \"../base.toml\"\n[vm.env]\nTOKEN = { value = \"t\", sensitive = false }\n";
    let config = read(&[("/team/base.toml", base), (FILE, file)]).unwrap();
    assert!(config.vm.env.values().all(|it| !it.sensitive));
}

#[test]
fn elements_of_one_file_are_not_merged_with_each_other() {
    let base = ("/team/base.toml", "version = 1\n[[users]]\nname = \"ci\"\n");
    let user = "[[users]]\nname = \"ci\"\nshell = \"/bin/sh\"\n";
    let text = errors(&[base, (FILE, &format!("extends = \"../base.toml\"\n{user}{user}"))]);
    assert!(text.contains("duplicate entry for the user `ci`"), "{text}");
}

#[test]
fn a_table_does_not_replace_a_value() {
    let base = ("/team/base.toml", "version = 1\ndocker = \"28\"\n");
    let text = errors(&[base, (FILE, "extends = \"../base.toml\"\n[docker]\nversion = \"28\"\n")]);
    assert!(text.contains("`docker` is a table here"), "{text}");
    assert!(text.contains("../base.toml:2") && text.contains("a value here"), "{text}");
    let base = ("/team/base.toml", "version = 1\n[[users]]\nname = \"ci\"\n");
    let text = errors(&[base, (FILE, "extends = \"../base.toml\"\nusers = { name = \"ci\" }\n")]);
    assert!(text.contains("an array of tables here"), "{text}");
    assert!(text.contains("write `[[users]]` in both files"), "{text}");
}
