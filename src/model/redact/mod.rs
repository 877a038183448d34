//! Removes secrets from everything that `cai` prints, saves and bundles.
//!
//! There are two kinds of secrets. Known secrets are removed everywhere: variables that a file
//! marks as sensitive, passwords and signatures in URLs, `auth` values of registries, and tokens of
//! well-known services. Text that looks like a secret is recognized by its name: a password, a
//! token, an `Authorization` header, a private key. The second kind applies to text from elsewhere,
//! such as the output of tools. There, removing too much is better than removing too little.
//!
//! - A [`Redactor`] knows values and filters every stream and file.
//! - [`foreign`] and [`value`] recognize names, where text from elsewhere enters a text of `cai`.
//! - [`source`] masks secrets in a file that is shown because it has errors.

mod known;
mod named;
mod named_values;
mod source;
#[cfg(test)]
mod tests;
mod tokens;
mod urls;

pub use known::Redactor;
pub use named::{foreign, is_secret, secrets, secrets_in_a_line, value};
pub use source::source;
pub use urls::{passwords, proxy_passwords};

/// The replacement for a secret.
const REDACTED: &str = "[redacted]";
/// The replacement for a value that the file marks as sensitive.
pub const SENSITIVE: &str = "(sensitive value)";
/// The common prefix of all replacements for sensitive values.
const PLACEHOLDER: &str = "(sensitive value";
