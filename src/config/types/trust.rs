use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{pattern, rules};

/// `[[trust]]`: a certificate authority that the VM trusts, such as that of a corporate network. `cai`'s own
/// downloads and dockerd trust it as well. Containers do not.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trust {
    /// The certificate on this machine, in the PEM format: a path that starts with `/` or `~/`, or with
    /// `./` or `../` (relative to this file). The file contains one certificate.
    #[serde(deserialize_with = "rules::certificate")]
    #[schemars(regex(pattern = pattern::LOCAL_PATH))]
    pub certificate: String,
}

impl Trust {
    /// Its name: that of the file, without the extension, in lower case and with `-` for other characters.
    pub fn name(&self) -> String {
        let file = self.certificate.rsplit('/').next().unwrap_or_default();
        let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        stem.chars().map(plain).collect::<String>().trim_matches('-').to_owned()
    }
}
