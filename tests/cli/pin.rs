//! `cai pin` with a server on this machine that answers for Ubuntu's and Debian's, behind a proxy.

use serde_json::json;

use crate::support::corporate::{Authority, Proxy, response};
use crate::support::sandbox::Sandbox;
use crate::support::trials;

pub fn trials() -> Vec<libtest_mimic::Trial> {
    trials![
        moving_images_become_dated_ones_and_comments_stay,
        the_images_of_a_file_that_names_none_are_added,
        a_pinned_file_changes_nothing_in_the_vm,
        an_image_without_a_known_index_needs_a_digest,
        what_needs_no_index_is_pinned_without_one,
    ]
}

const SUM: &str = "eeff273671467b8fa351ab3d40709759462dc03d9f7b50a1b207b37982ce40a9";

fn ubuntu() -> (String, Vec<u8>) {
    let products = ["amd64", "arm64"].map(|arch| {
        let file = format!("ubuntu-24.04-server-cloudimg-{arch}.img");
        let item = |date: &str, sum: &str| {
            let path = format!("server/releases/noble/release-{date}/{file}");
            json!({ "items": { "disk1.img": { "path": path, "sha256": sum } } })
        };
        let versions =
            json!({ "20260518": item("20260518", SUM), "20250101": item("20250101", "old") });
        (format!("com.ubuntu.cloud:server:24.04:{arch}"), json!({ "versions": versions }))
    });
    let products: serde_json::Map<_, _> = products.into_iter().collect();
    let path = "/releases/streams/v1/com.ubuntu.cloud:released:download.json";
    let body = json!({ "products": products }).to_string();
    (path.to_owned(), response("application/json", body.as_bytes()))
}

/// A home with this file, which reaches the two sites through a proxy and a certificate.
fn sandbox(file: &str, answers: &[(String, Vec<u8>)]) -> (Sandbox, String) {
    let authority = Authority::for_days(60);
    let names = ["cloud-images.ubuntu.com", "cloud.debian.org"];
    let proxy = Proxy::to(authority.serve(&names, answers));
    let sandbox = Sandbox::new();
    sandbox.write("home/ca.pem", &authority.certificate());
    sandbox.write("home/p", "p@ss\n");
    let network = format!(
        "\n[proxy]\nhttps = \"http://127.0.0.1:{}\"\nusername = \"me\"\npassword = {{ file = \"./p\" }}\n\n\
         [[trust]]\ncertificate = \"./ca.pem\"\n",
        proxy.port
    );
    let text = file.to_owned() + &network;
    sandbox.write("home/containai.toml", &text);
    (sandbox, text)
}

fn read(sandbox: &Sandbox, name: &str) -> String {
    std::fs::read_to_string(sandbox.home().join(name)).unwrap()
}

const IMAGE: &str = "[[vm.images]]\narch = \"x86_64\"\n# The team's.\nlocation = \
    \"https://cloud-images.ubuntu.com/releases/24.04/release/ubuntu-24.04-server-cloudimg-amd64.img\" # moves\n";

const PACKAGE: &str = "\n[[sysbox.packages]]\narch = \"x86_64\"\n\
    url = \"https://downloads.nestybox.com/sysbox/releases/v0.7.1/sysbox-ce_0.7.1-0.linux_amd64.deb\"\n\
    sha256 = \"9d6d5484f980d0a17f86c492c1262015c2afb66280bdb97215b79fde6a0261c5\"\n";

fn moving_images_become_dated_ones_and_comments_stay() {
    let file = "version = 1\nextends = \"base.toml\"\ndocker.version = \"29.5.2\"\n";
    let (sandbox, file) = sandbox(file, &[ubuntu()]);
    sandbox.write("home/base.toml", &format!("{IMAGE}\n[sysbox]\nversion = \"0.7.1\" # ours\n"));
    let before = read(&sandbox, "base.toml");
    let shown = sandbox.cai(&["pin", "--dry-run"]);
    assert!(
        shown.success().contains(
            "+ location = \"https://cloud-images.ubuntu.com/releases/24.04/release-20260518/"
        ),
        "{shown}"
    );
    assert_eq!(read(&sandbox, "base.toml"), before);
    sandbox.cai(&["pin"]).success();
    let expected = before
        .replace("/release/", "/release-20260518/")
        .replace("# moves\n", &format!("# moves\ndigest = \"sha256:{SUM}\"\n"));
    // The checksums are beside the version.
    assert_eq!(read(&sandbox, "base.toml"), expected + PACKAGE);
    assert_eq!(read(&sandbox, "containai.toml"), file, "the file itself names no moving build");
    sandbox.cai(&["validate"]).success();
    let again = sandbox.cai(&["pin"]);
    assert!(again.success().is_empty() && again.stderr.contains("Nothing to pin in"), "{again}");
}

fn the_images_of_a_file_that_names_none_are_added() {
    let (sandbox, file) = sandbox("# Ours.\nversion = 1\n", &[ubuntu()]);
    sandbox.cai(&["pin"]).success();
    let text = read(&sandbox, "containai.toml");
    assert!(text.starts_with(&file), "{text}");
    assert_eq!(text.matches(&format!("digest = \"sha256:{SUM}\"")).count(), 2, "{text}");
    assert!(text.contains(&format!("[sysbox]\nversion = \"0.7.1\"\n{PACKAGE}")), "{text}");
    // The same VM as before, except for the dates.
    let plan = sandbox.cai(&["--simulate=world", "plan"]);
    assert!(
        plan.success().contains("release-20260518/ubuntu-24.04-server-cloudimg-arm64.img"),
        "{plan}"
    );
}

fn a_pinned_file_changes_nothing_in_the_vm() {
    let (sandbox, _) = sandbox("version = 1\n", &[ubuntu()]);
    let simulated = |command: &str| sandbox.cai(&["--simulate=world", command]);
    sandbox.cai(&["--simulate=world", "apply", "--yes"]).success();
    let told = simulated("doctor");
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = "Not pinned: the images, Docker's version, Sysbox's version, Sysbox's checksums. To pin them: cai --simulate=world pin";
    assert!(words(told.success()).ends_with(line), "{told}");
    // The images need the server, and Docker's version the VM.
    let real = sandbox.cai(&["pin"]);
    assert!(real.success().contains("+ digest ="), "{real}");
    let told = "Not pinned: Docker's version. Start the VM and run `cai pin` again";
    assert!(real.stderr.contains(told), "{real}");
    let again = simulated("pin");
    assert!(again.success().contains("+ version = \"29.5.2\""), "{again}");
    let plan = simulated("plan");
    assert!(plan.success().contains("No changes."), "{plan}");
    let told = simulated("doctor");
    assert!(told.success().contains("Healthy.") && !told.stdout.contains("Not pinned"), "{told}");
    let last = simulated("pin");
    assert!(last.success().is_empty() && last.stderr.contains("Nothing to pin in"), "{last}");
}

fn an_image_without_a_known_index_needs_a_digest() {
    let image = "[[vm.images]]\nlocation = \"https://images.example/latest/a.img\"\n";
    let rest = "[docker]\nversion = \"29.5.2\"\n[sysbox]\nenabled = false\n";
    let (sandbox, file) = sandbox(&format!("version = 1\n{image}{rest}"), &[]);
    let ran = sandbox.cai(&["pin"]);
    ran.success();
    assert!(ran.stderr.contains("Not pinned: the image. Add its `digest`"), "{ran}");
    assert_eq!(read(&sandbox, "containai.toml"), file);
    sandbox.write(
        "home/containai.toml",
        &format!("version = 1\n{image}digest = \"sha256:{SUM}\"\n{rest}"),
    );
    let ran = sandbox.cai(&["pin"]);
    assert!(ran.success().is_empty() && ran.stderr.contains("Nothing to pin in"), "{ran}");
}

fn what_needs_no_index_is_pinned_without_one() {
    let page = |body: &[u8]| {
        let path = "/releases/streams/v1/com.ubuntu.cloud:released:download.json";
        (path.to_owned(), response("text/html", body))
    };
    for (answers, error) in [
        (vec![], "answered with the HTTP status 404"),
        (vec![page(b"<html>sign in</html>")], "it is not JSON"),
        (vec![page(b"{\"products\": {}}")], "does not list ubuntu-24.04-server-cloudimg-amd64.img"),
    ] {
        let (sandbox, file) = sandbox(&format!("version = 1\n{IMAGE}"), &answers);
        let ran = sandbox.cai(&["pin"]);
        assert!(!ran.status.success() && ran.stderr.contains(error), "{ran}");
        // Sysbox needs no index.
        let read = read(&sandbox, "containai.toml");
        assert!(read.starts_with(&file) && !read.contains("digest"), "{read}");
        assert!(read.contains("[sysbox]\nversion = \"0.7.1\""), "{read}");
    }
    let (sandbox, _) = sandbox(&format!("version = 1\n{IMAGE}"), &[]);
    let ran = sandbox.cai(&["--simulate=world", "pin"]);
    assert!(ran.fails_with(1).contains("a simulated host downloads nothing"), "{ran}");
}
