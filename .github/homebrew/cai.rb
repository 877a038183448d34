# The release workflow fills in the values in @.
class Cai < Formula
  desc "Docker engine in a Lima VM, declared in one version-controlled file"
  homepage "@REPOSITORY@"
  version "@VERSION@"
  license any_of: ["MIT", "Apache-2.0"]

  depends_on "docker" => :recommended
  depends_on "lima" => :recommended

  on_macos do
    on_arm do
      url "@REPOSITORY@/releases/download/v@VERSION@/cai-aarch64-apple-darwin.tar.gz"
      sha256 "@aarch64-apple-darwin@"
    end
    on_intel do
      url "@REPOSITORY@/releases/download/v@VERSION@/cai-x86_64-apple-darwin.tar.gz"
      sha256 "@x86_64-apple-darwin@"
    end
  end

  on_linux do
    on_arm do
      url "@REPOSITORY@/releases/download/v@VERSION@/cai-aarch64-unknown-linux-musl.tar.gz"
      sha256 "@aarch64-unknown-linux-musl@"
    end
    on_intel do
      url "@REPOSITORY@/releases/download/v@VERSION@/cai-x86_64-unknown-linux-musl.tar.gz"
      sha256 "@x86_64-unknown-linux-musl@"
    end
  end

  def install
    bin.install "cai"
    man1.install Dir["man1/*"]
    man5.install Dir["man5/*"]
    bash_completion.install "bash/cai"
    zsh_completion.install "zsh/_cai"
    fish_completion.install "fish/cai.fish"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/cai --version")
    (testpath/"containai.toml").write "version = 1\n"
    system bin/"cai", "--simulate=world", "apply", "--yes"
  end
end
