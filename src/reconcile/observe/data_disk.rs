//! The Lima disk with Docker's data.

use super::ObserveError;
use super::observer::{LimaFacts, Observer};
use crate::config::Config;
use crate::host::CommandError;
use crate::lima::{Disk, Limactl};

impl Observer<'_> {
    /// The disk that the file declares.
    pub(super) fn data_disk(
        &self,
        config: &Config,
        lima: Option<&LimaFacts>,
    ) -> Result<Option<Disk>, ObserveError> {
        let (Some(lima), Some(_)) = (lima, config.vm.data_disk) else { return Ok(None) };
        let name = Disk::name_for(&config.vm.name);
        let command = Limactl::new(lima.program.clone()).disk_list(&name);
        let output = self.succeed(&command)?;
        let disks = Disk::list(&output.stdout)
            .map_err(|error| CommandError::unreadable(&command, output, error.to_string()))?;
        let disk = disks.into_iter().find(|disk| disk.name == name);
        let path = self.lima_home.join("_disks").join(&name);
        if disk.is_none() && self.probe.canonical(&path).is_ok() {
            return Err(ObserveError::UnlistedDisk { command: Box::new(command), path });
        }
        Ok(disk)
    }
}
