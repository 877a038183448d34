//! Takes secrets out of what `cai` prints, saves and packs.
//!
//! There are two kinds of them. What is known to be secret goes wherever it stands: the variables
//! that a file marks, a password in a URL and what signs one, a registry's `auth`. What looks like a secret goes by its
//! name: a password, a token, an `Authorization` header, a private key. The second is for what others
//! wrote: the output of tools, documents of the machine. Too much is better than too little there.
//!
//! - A [`Redactor`] knows values, and stands before every stream and file.
//! - [`foreign`] and [`value`] go by names, where a text of others is made one of `cai`'s.
//! - [`source`] hides what stands in a file that is shown because it is wrong.

mod known;
mod named;
mod source;
#[cfg(test)]
mod tests;
mod urls;

pub use known::Redactor;
pub use named::{foreign, keys_in_a_line, secrets, value};
pub use source::source;
pub use urls::{passwords, proxy_passwords};

/// What stands for what was taken out.
const REDACTED: &str = "[redacted]";
/// What stands for a value that the file marks as sensitive.
pub const SENSITIVE: &str = "(sensitive value)";
/// How everything begins that stands for such a value.
const PLACEHOLDER: &str = "(sensitive value";
