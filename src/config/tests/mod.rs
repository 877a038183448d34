use proptest::prelude::*;

use super::parse;
use crate::diagnostic::render;

mod good;
mod mistakes;

/// A file with every key there is.
const EVERY_KEY: &str = r#"
version = 1

[lima]
version = ">=2.0, <3"

[vm]
name = "team"
cpus = 4
memory = "8GiB"
disk = "64GiB"

[[vm.images]]
arch = "aarch64"
location = "~/images/debian.img"
digest = "sha256:eeff273671467b8fa351ab3d40709759462dc03d9f7b50a1b207b37982ce40a9"
kernel = "/boot/vmlinuz"
kernel_cmdline = "root=/dev/vda rw"
initrd = "https://example.org/initrd"

[[vm.mounts]]
location = "/src"
mount_point = "/mnt/src"
writable = true

[vm.lima]
vmType = "qemu"
ssh = { localPort = 60022, overVSock = false }
message = "line\nline"
param = { since = 2025-01-31, load = 0.5, list = ["a", 1] }
arch = "aarch64"

[docker]
source = "preinstalled"

[[users]]
name = "@lima"
groups = ["docker", "adm"]

[[users]]
name = "dev"

[context]
name = "team-engine"
"#;

proptest! {
    #[test]
    fn no_text_is_too_strange_to_be_told_what_is_wrong(source in "\\PC*|[\\[\\]{}=.\"'\n\r#a-c1 ]*") {
        if let Err(diagnostics) = parse(&source) {
            prop_assert!(!diagnostics.is_empty());
            render(&diagnostics, &source, "f", false);
        }
    }

    #[test]
    fn no_slip_in_a_good_file_is_too_strange(
        at in 0..EVERY_KEY.len(), cut in 0usize..40, slip in "[\\[\\]{}=.,\"\n#a1é\u{1b}]{0,3}",
    ) {
        let mut source = EVERY_KEY.to_owned();
        source.replace_range(at..(at + cut).min(EVERY_KEY.len()), &slip);
        if let Err(diagnostics) = parse(&source) {
            prop_assert!(!diagnostics.is_empty());
            render(&diagnostics, &source, "f", false);
        }
    }
}
