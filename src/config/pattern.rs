//! The checks of `rules` as regular expressions for the schema, to help editors. A value that
//! matches may still be refused, but a value that does not match is always refused.

/// Non-empty text on one line.
pub(super) const PLAIN: &str = r"^[^\u0000-\u001f\u007f-\u009f]+$";
pub(super) const LOCATION: &str = r"^((https|file)://.|/|~/)";
pub(super) const MOUNT_LOCATION: &str = r"^(/|~/|~$)";
pub(super) const ABSOLUTE: &str = r"^/";
pub(super) const DIGEST: &str = r"^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$";
pub(super) const SOCKET: &str = r"^(/|\{\{)";
pub(super) const HOST_SOCKET: &str = r"^(/|\{\{).*\.sock$";
pub(super) const SHELL: &str = r"^/[^:]*$";
pub(super) const IP: &str = r"^[0-9A-Fa-f:.]+$";
pub(super) const RELEASE: &str = r"^[0-9]+\.[0-9]+\.[0-9]+";
pub(super) const MIRROR: &str = r"^(https://.|http://(localhost|127\.0\.0\.1|\[::1\])([:/]|$))";
pub(super) const REPOSITORY: &str = r"^https://[A-Za-z0-9][-A-Za-z0-9.:]*(/[-A-Za-z0-9._~/]*)?$";
pub(super) const LOCAL_PATH: &str = r"^(/|~/|\.\.?/)";
/// The path of a file to extend.
pub(super) const EXTENDED: &str = r"^([^~]|~/).*[^/]$";
pub(super) const PACKAGE_URL: &str = r"^(https://.|/|~/|\.\.?/)";
pub(super) const CONTAINER_PATH: &str = r"^/[^:$]*$";
