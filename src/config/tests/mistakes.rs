use super::{hints, mistakes, refuses};
use crate::config::parse;

#[test]
fn each_mistake_is_named_where_it_is() {
    // The first line of each file is `version = 1`.
    let cases = [
        // TOML itself
        ("[vm\nname = \"a\"", "2:4 unclosed table"),
        ("[vm]\nname = my-vm", "3:8 string values must be quoted"),
        ("[vm]\ncpus = 1\ncpus = 2", "4:1 duplicate key `cpus`"),
        ("[vm]\n[docker]\n[vm]", "4:2 duplicate key `vm`"),
        ("[vm]\nname = team", "3:8 this is not true, false or a quoted string"),
        // types of values
        ("[vm]\ncpus = \"4\"", "3:8 expected a whole number, found a string"),
        ("[vm]\ncpus = 1.5", "3:8 expected a whole number, found a number with a fraction"),
        ("[vm]\ncpus = 99999999999999999999", "3:8 `99999999999999999999` does not fit in 64 bits"),
        ("[vm]\nmemory = 8", "3:10 expected a string, found a whole number"),
        ("[vm]\nname = 2025-01-31", "3:8 expected a string, found a date or time"),
        ("vm = true", "2:6 expected a table, found true or false"),
        ("[users]", "2:1 expected an array, found a table"),
        ("[[vm]]", "2:1 expected a table, found an array"),
        ("[vm.lima]\nx = [1, nan]", "3:9 `nan` is not a finite number"),
        // values
        ("[lima]\nversion = \"new\"", "3:11 \"new\" is not a version requirement: "),
        ("[vm]\ncpus = 0", "3:8 a VM cannot have 0 CPUs: write a number from 1 to 4096"),
        ("[vm]\ncpus = -1", "3:8 a VM cannot have -1 CPUs: write a number from 1 to 4096"),
        ("[vm]\ncpus = 100000", "3:8 a VM cannot have 100000 CPUs: write a number from 1 to 4096"),
        (
            "[vm]\nmemory = \"1B\"",
            "3:10 1B is too little memory for Linux with Docker: write 256MiB",
        ),
        ("[vm]\ndata_disk = \"1GB\"", "3:13 \"1GB\" is not a size: write \"1GiB\""),
        (
            "[vm]\nname = \"dev\"\n[vm.lima]\nadditionalDisks = [{ name = \"cai-dev\" }]",
            "5:29 `cai-dev` is the name of the disk of `data_disk`",
        ),
        (
            "[vm]\ndata_disk = \"9GiB\"\n[vm.lima]\nadditionalDisks = \"x\"",
            "5:19 `additionalDisks` must be a list",
        ),
        (
            "[vm]\ndata_disk = \"9GiB\"\n[vm.lima]\nadditionalDisks = 1",
            "5:19 `additionalDisks` must be a list",
        ),
        ("[vm]\ndisk = \"1KiB\"", "3:8 1KiB is too small a disk for Linux with Docker: write 2GiB"),
        ("[vm]\nname = \"a b\"", "3:8 \"a b\" is not a VM name: use letters and digits"),
        ("[vm]\nmemory = \"8GB\"", "3:10 \"8GB\" is not a size: write \"8GiB\""),
        ("[lima]\ninstall = \"yes\"", "3:11 unknown value `yes`"),
        ("[lima]\nrelease = \"v2.2.0\"", "3:11 \"v2.2.0\" is not a release of Lima: "),
        ("[vm]\ntype = \"wsl2\"", "3:8 unknown value `wsl2`"),
        ("[vm.env]\n\"A-B\" = \"1\"", "3:1 \"A-B\" is not an environment variable name: "),
        ("[vm.env]\nA = 1", "3:5 expected a string, found a whole number"),
        ("[docker]\nversion = \"v28\"", "3:11 \"v28\" is not a Docker version: "),
        ("[sysbox]\nversion = \"0.7\"", "3:11 \"0.7\" is not a Sysbox version: "),
        (
            "[[groups]]\nname = \"a\"\ngid = 0",
            "4:7 the group id 0 belongs to root: write another id",
        ),
        ("users = [{ name = \"a\", uid = -1 }]", "2:30 -1 is not a user id: "),
        ("users = [{ name = \"a\", uid = 4294967295 }]", "2:30 4294967295 is not a user id: "),
        ("[context]\ndescription = \"a\\nb\"", "3:15 \"a\\nb\" is not a one-line description: "),
        ("[restart]\nstrategy = \"always\"", "3:12 unknown value `always`"),
        ("[docker]\nsource = \"distor\"", "3:10 unknown value `distor`"),
        (
            "[[users]]\nname = \"Dev\"",
            "3:8 \"Dev\" is not a user or group name: use at most 32 lowercase",
        ),
        ("[context]\nname = \"default\"", "3:8 \"default\" is not a Docker context name: "),
        (
            "users = [{ name = \"a\", groups = [\"dokcer\"] }]",
            "2:34 the group `dokcer` does not exist",
        ),
        (
            "users = [{ name = \"a\", groups = [\"agnets\"] }]\n[[groups]]\nname = \"agents\"",
            "2:34 the group `agnets` does not exist",
        ),
        // keys
        ("vn = 1", "2:1 unknown key `vn`"),
        ("[vm]\n\"a\\nb\" = 1", "3:1 unknown key `a\\nb`"),
        ("[[users]]\ngroups = []", "2:1 the key `name` is missing"),
        ("[[vm.mounts]]\nwritable = true", "2:1 the key `location` is missing"),
        // between values
        (
            "vm.name = \"default\"\ncontext.name = \"a/b\"",
            "3:16 \"a/b\" is not a Docker context name: ",
        ),
        ("[vm]\nname = \"default\"", "3:8 \"default\" is not a Docker context name: "),
        ("[vm.lima]\nssh = {}\ncpus = 2", "4:1 `cpus` cannot be set here, because cai sets it"),
        ("[[vm.images]]\nlocation = \"/a\"\ninitrd = \"/b\"", "4:10 `initrd` requires `kernel`"),
    ];
    refuses(&cases);
}

#[test]
fn the_second_of_two_equal_things_is_the_mistake() {
    let cases = [
        (
            "[[users]]\nname = \"dev\"\n[[users]]\nname = \"dev\"",
            "5:8 duplicate entry for the user `dev`",
        ),
        ("users = [{ name = \"a\", groups = [\"b\", \"b\"] }]", "2:39 duplicate group `b`"),
        (
            "[vm]\nmounts = [{ location = \"/a\" }, { location = \"/b\", mount_point = \"/a/\" }]",
            "3:65 duplicate mount at `/a`",
        ),
        (
            "[[vm.images]]\nlocation = \"/a\"\narch = \"x86_64\"\n[[vm.images]]\nlocation = \"/b\"\narch = \"x86_64\"",
            "7:8 duplicate image for x86_64",
        ),
        (
            "[vm]\nimages = [{ location = \"/a\" },\n{ location = \"/b\" }]",
            "4:1 duplicate image without an architecture",
        ),
    ];
    for (rest, expected) in cases {
        assert_eq!(mistakes(&format!("version = 1\n{rest}\n")), [expected], "{rest}");
    }
}

#[test]
fn all_mistakes_come_at_once_in_the_files_order() {
    let source = "\
[vm]
name = my-vm
memory = \"8G\"
cpu = 4
[[vm.images]]
location = 5
initrd = \"image.img\"
[[vm.mounts]]
[vm.lima]
disk = \"1GiB\"
[[users]]
name = \"@lima\"
groups = [\"docker\", \"Docker\", \"a b\", \"docker\"]
[[users]]
name = \"@lima\"
";
    let expected = [
        "1:1 the file does not specify its format version",
        "2:8 string values must be quoted",
        "3:10 \"8G\" is not a size: write \"8GiB\"",
        "4:1 unknown key `cpu`",
        // `location` is not reported as missing as well.
        "6:12 expected a string, found a whole number",
        "7:10 \"image.img\" is not the location of a boot file: ",
        "8:1 the key `location` is missing",
        "10:1 `disk` cannot be set here, because cai sets it",
        "13:21 \"Docker\" is not a user or group name: ",
        "13:31 \"a b\" is not a user or group name: ",
        "13:38 duplicate group `docker`",
        "15:8 duplicate entry for the user `@lima`",
    ];
    let found = mistakes(source);
    let agree = expected.iter().zip(&found).all(|(expected, found)| found.starts_with(expected));
    assert!(agree && found.len() == expected.len(), "{found:#?}");
}

#[test]
fn hints_say_what_to_write() {
    assert_eq!(hints("[vm]"), ["add `version = 1` at the top"]);
    assert_eq!(hints("version = 1\n[vm]\nmemroy = \"8GiB\""), ["did you mean `memory`?"]);
    let sources = "valid values are `docker-ce`, `distro` and `preinstalled`";
    assert_eq!(hints("version = 1\ndocker.source = \"podman\""), [sources]);
    assert_eq!(hints("version = 1\nvm.lima.mounts = []"), ["use `[[vm.mounts]]` instead"]);
    let group = "did you mean `docker`? If the image has `dokcer`, declare it under `[[groups]]`";
    assert_eq!(hints("version = 1\nusers = [{ name = \"a\", groups = [\"dokcer\"] }]"), [group]);
    let kinds = [
        ("[vm]\ncpus = \"4\"", "write numbers, true and false without quotes"),
        ("[vm]\nmemory = 8", "write it in quotes; a size needs a unit, such as \"8GiB\""),
        ("[users]", "write a header in double brackets for each table of an array: [[…]]"),
        ("[[vm]]", "write one header in single brackets for a table: […]"),
    ];
    for (rest, hint) in kinds {
        assert_eq!(hints(&format!("version = 1\n{rest}")), [hint]);
    }
    let twice = parse("version = 1\n\nusers = [{ name = \"a\" },\n{ name = \"a\" }]").unwrap_err();
    assert_eq!(twice[0].label.as_deref(), Some("the first is on line 3"));
}

#[test]
fn a_file_of_another_version_is_only_that() {
    let newer = "version = 2\n[engine]\nkind = \"new\"\n[vm]\ncpus = 0";
    assert_eq!(mistakes(newer), ["1:11 this version of cai supports format version 1, not 2"]);
    assert_eq!(hints(newer), ["use a newer version of cai"]);
    assert_eq!(hints("version = 0"), ["write `version = 1`"]);
}

#[test]
fn depth_and_length_of_a_file_are_bounded() {
    let too_deep = "this is nested too deeply";
    let dots = format!("version = 1\nvm.lima.{}a = 1", "a.".repeat(100_000));
    let brackets = format!("version = 1\nvm.lima.a = {}", "[".repeat(100_000));
    // Each depth alone is allowed, but not their sum.
    let levels = format!("{{ {}a = ", "a.".repeat(70)).repeat(70);
    let both = format!("version = 1\nvm.lima.a = {levels} 1 {}", "}".repeat(70));
    for source in [dots, brackets, both] {
        let found = mistakes(&source);
        assert!(found.iter().any(|mistake| mistake.ends_with(too_deep)), "{found:#?}");
    }
    let many = format!("version = 1\n{}", "[[users]]\nname = \"A\"\n".repeat(5000));
    let found = mistakes(&many);
    let last = "- the file has more errors; these are the first 100";
    assert_eq!((found.len(), found[100].as_str()), (101, last));
}
