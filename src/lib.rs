//! `cai` makes a secure Docker engine a matter of one version-controlled file.
