//! What this machine has, for a server that runs on it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::vector::machine::{Machine, Texts};

/// Reads what Linux keeps about this machine; what is not there stays unknown.
pub fn read() -> Machine {
    let text = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    let group = control_group(&text(Path::new("/proc/self/cgroup")));
    let mut machine = Machine::read(&Texts {
        meminfo: text(Path::new("/proc/meminfo")),
        cpuinfo: text(Path::new("/proc/cpuinfo")),
        mountinfo: text(Path::new("/proc/self/mountinfo")),
        memory_max: text(&group.join("memory.max")),
        memory_current: text(&group.join("memory.current")),
        cpu_max: text(&group.join("cpu.max")),
    });
    if let Ok(shm) = rustix::fs::statvfs("/dev/shm") {
        let free = shm.f_bavail.saturating_mul(shm.f_frsize);
        machine.shm_bytes = machine.shm_bytes.map(|size| size.min(free));
    }
    machine
}

/// Free space for files in `folder`, if this process may look. Units: bytes.
pub fn disk_free(folder: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(folder).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// This process's control group in version 2's tree.
fn control_group(text: &str) -> PathBuf {
    let own = text.lines().find_map(|line| line.strip_prefix("0::/"));
    Path::new("/sys/fs/cgroup").join(own.unwrap_or_default())
}
