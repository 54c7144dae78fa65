//! What the machine under a server has: read from the texts that Linux keeps about itself.

/// The means a build can draw on. `None` where nobody could say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Machine {
    /// Memory that is free or can be freed, within the control group's limit. Units: bytes.
    pub memory_bytes: Option<u64>,
    /// Room in `/dev/shm`, which parallel builds take their memory from. Units: bytes.
    pub shm_bytes: Option<u64>,
    /// Processors, within the control group's quota.
    pub cores: Option<u32>,
}

/// The texts it is read from; an empty text stands for a file that is not there.
#[derive(Debug, Clone, Default)]
pub struct Texts {
    /// `/proc/meminfo`.
    pub meminfo: String,
    /// `/proc/cpuinfo`.
    pub cpuinfo: String,
    /// `/proc/self/mountinfo`.
    pub mountinfo: String,
    /// `/sys/fs/cgroup/memory.max`, or version 1's `memory.limit_in_bytes`.
    pub memory_max: String,
    /// `/sys/fs/cgroup/memory.current`, or version 1's `memory.usage_in_bytes`.
    pub memory_current: String,
    /// `/sys/fs/cgroup/cpu.max`.
    pub cpu_max: String,
}

impl Machine {
    /// Reads the texts. What `/dev/shm` already holds is not in them: its whole size is taken.
    pub fn read(texts: &Texts) -> Self {
        let available = kilobytes(&texts.meminfo, "MemAvailable:");
        let within = number(&texts.memory_max)
            .map(|max| max.saturating_sub(number(&texts.memory_current).unwrap_or(0)));
        let memory_bytes = match (available, within) {
            (Some(available), Some(within)) => Some(available.min(within)),
            (available, within) => available.or(within),
        };
        let processors = texts
            .cpuinfo
            .lines()
            .filter(|line| line.starts_with("processor"))
            .count();
        let processors = u32::try_from(processors).ok().filter(|count| *count > 0);
        let cores = match (processors, quota(&texts.cpu_max)) {
            (Some(cores), Some(quota)) => Some(cores.min(quota)),
            (cores, quota) => cores.or(quota),
        };
        let total = kilobytes(&texts.meminfo, "MemTotal:");
        Self {
            memory_bytes,
            shm_bytes: shm_size(&texts.mountinfo, total),
            cores,
        }
    }
}

fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

fn kilobytes(meminfo: &str, key: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix(key))?;
    let number: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(number * 1024)
}

/// Whole processors in a quota "MICROSECONDS PERIOD"; "max" is none.
fn quota(text: &str) -> Option<u32> {
    let (quota, period) = text.trim().split_once(' ')?;
    let (quota, period): (u64, u64) = (quota.parse().ok()?, period.parse().ok()?);
    u32::try_from((quota / period.max(1)).max(1)).ok()
}

/// The size of the file system at `/dev/shm`. Linux gives a tmpfs half of the memory when nobody says
/// otherwise.
fn shm_size(mountinfo: &str, total: Option<u64>) -> Option<u64> {
    let line = mountinfo
        .lines()
        .rfind(|line| line.split(' ').nth(4) == Some("/dev/shm"))?;
    let (_, system) = line.split_once(" - ")?;
    if !system.starts_with("tmpfs ") {
        return None;
    }
    let size = system
        .rsplit(' ')
        .next()?
        .split(',')
        .find_map(|option| option.strip_prefix("size="));
    let Some(size) = size else {
        return total.map(|total| total / 2);
    };
    let digits = size.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = match size.get(digits.len()..)? {
        "" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        "%" => return Some(total? / 100 * number(digits)?),
        _ => return None,
    };
    Some(number(digits)? * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMINFO: &str = "MemTotal: 8000000 kB\nMemFree: 1000 kB\nMemAvailable:    4000000 kB\n";

    #[test]
    fn a_control_groups_limit_counts_when_it_is_the_smaller() {
        let mut texts = Texts {
            meminfo: MEMINFO.into(),
            memory_max: "1073741824\n".into(),
            memory_current: "73741824\n".into(),
            ..Texts::default()
        };
        assert_eq!(Machine::read(&texts).memory_bytes, Some(1_000_000_000));
        texts.memory_max = "max\n".into();
        assert_eq!(Machine::read(&texts).memory_bytes, Some(4_096_000_000));
    }

    #[test]
    fn a_containers_small_shared_memory_is_seen() {
        let mount = |options: &str| Texts {
            meminfo: MEMINFO.into(),
            mountinfo: format!(
                "29 1 0:25 / /tmp rw - tmpfs tmpfs rw,size=9k\n\
                 31 1 0:26 / /dev/shm rw,nosuid - tmpfs shm rw{options}\n"
            ),
            ..Texts::default()
        };
        let shm = |options| Machine::read(&mount(options)).shm_bytes;
        assert_eq!(shm(",size=65536k,inode64"), Some(64 << 20));
        assert_eq!(shm(""), Some(4_096_000_000));
        assert_eq!(Machine::read(&Texts::default()), Machine::default());
    }

    #[test]
    fn a_quota_of_processors_counts_when_it_is_the_smaller() {
        let texts = Texts {
            cpuinfo: "processor\t: 0\n\nprocessor\t: 1\nprocessor\t: 2\n".into(),
            cpu_max: "200000 100000\n".into(),
            ..Texts::default()
        };
        assert_eq!(Machine::read(&texts).cores, Some(2));
    }
}
