//! The declarations of scenarios.

/// The contents of a scenario's `containai.toml`, as TOML.
pub struct Declared<'a> {
    /// The number of CPUs of the VM.
    pub cpus: u32,
    /// The rest of the table `[docker]` and its subtables.
    pub docker: &'a str,
    /// The table `[sysbox]`. By default, it disables Sysbox.
    pub sysbox: &'a str,
    /// More tables.
    pub tables: &'a str,
}

impl Default for Declared<'_> {
    fn default() -> Self {
        Self { cpus: 2, docker: "", sysbox: "enabled = false", tables: "" }
    }
}
