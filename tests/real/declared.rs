//! What scenarios say in a `containai.toml`.

/// What a scenario writes into the `containai.toml`, as TOML.
pub struct Declared<'a> {
    /// How many processors the VM has.
    pub cpus: u32,
    /// The rest of the table `[docker]`, and tables under it.
    pub docker: &'a str,
    /// The table `[sysbox]`; by default it says that there is none.
    pub sysbox: &'a str,
    /// More tables.
    pub tables: &'a str,
}

impl Default for Declared<'_> {
    fn default() -> Self {
        Self { cpus: 2, docker: "", sysbox: "enabled = false", tables: "" }
    }
}
