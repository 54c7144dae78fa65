//! Which Debian mirror the host's own apt uses. Reads `/etc/apt` and `/etc/os-release`; pure but
//! for that.
//!
//! Source: sources.list(5), both the one-line and the deb822 form.

use std::fs;
use std::path::Path;

/// Where packages come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// The archive, such as `http://deb.debian.org/debian`.
    pub archive: String,
    /// The security archive.
    pub security: String,
}

impl Default for Mirror {
    fn default() -> Self {
        Self {
            archive: "http://deb.debian.org/debian".to_owned(),
            security: "http://deb.debian.org/debian-security".to_owned(),
        }
    }
}

/// Suites whose entries point at Debian itself. Derivatives have other names or another `ID`.
const SUITES: [&str; 10] = [
    "bullseye",
    "bookworm",
    "trixie",
    "forky",
    "duke",
    "sid",
    "oldstable",
    "stable",
    "testing",
    "unstable",
];

impl Mirror {
    /// The mirror that the Debian host under `root` uses, else Debian's own. `root` is `/` but in
    /// tests.
    pub fn of_host(root: &Path) -> Self {
        let release = fs::read_to_string(root.join("etc/os-release")).unwrap_or_default();
        if !release
            .lines()
            .any(|line| matches!(line, "ID=debian" | "ID=\"debian\""))
        {
            return Self::default();
        }
        let apt = root.join("etc/apt");
        let mut files = vec![apt.join("sources.list")];
        let mut parts: Vec<_> = fs::read_dir(apt.join("sources.list.d"))
            .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
            .unwrap_or_default();
        parts.sort();
        files.extend(parts);
        let entries: Vec<Entry> = files
            .iter()
            .filter_map(|file| Some((file.extension()?, fs::read_to_string(file).ok()?)))
            .flat_map(|(kind, text)| match kind.to_str() {
                Some("sources") => deb822(&text),
                Some("list") => one_line(&text),
                _ => Vec::new(),
            })
            .collect();
        Self::among(&entries)
    }

    fn among(entries: &[Entry]) -> Self {
        let find = |wanted: fn(&str) -> bool| {
            entries
                .iter()
                .find(|entry| entry.suites.iter().any(|suite| wanted(suite)))
                .map(|entry| entry.uri.clone())
        };
        let default = Self::default();
        Self {
            archive: find(is_archive).unwrap_or(default.archive),
            security: find(is_security).unwrap_or(default.security),
        }
    }
}

fn is_archive(suite: &str) -> bool {
    SUITES.contains(&suite.strip_suffix("-updates").unwrap_or(suite))
}

fn is_security(suite: &str) -> bool {
    suite
        .strip_suffix("-security")
        .is_some_and(|suite| SUITES.contains(&suite))
}

/// One address with the suites that are taken from it.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    uri: String,
    suites: Vec<String>,
}

fn one_line(text: &str) -> Vec<Entry> {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("deb "))
        .filter_map(|rest| {
            let rest = rest.trim();
            let rest = match rest.strip_prefix('[') {
                Some(options) => options.split_once(']')?.1,
                None => rest,
            };
            let mut words = rest.split_whitespace();
            let uri = words.next()?;
            let suite = words.next()?;
            words
                .any(|component| component == "main")
                .then(|| entry(uri, [suite]))?
        })
        .collect()
}

fn deb822(text: &str) -> Vec<Entry> {
    let text: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    text.split(|line| line.trim().is_empty())
        .filter_map(|stanza| {
            let field = |name: &str| field(stanza, name);
            let enabled = !matches!(field("enabled").first(), Some(&("no" | "false")));
            let usable = field("types").contains(&"deb") && field("components").contains(&"main");
            let uri = *field("uris").first()?;
            (enabled && usable).then(|| entry(uri, field("suites")))?
        })
        .collect()
}

/// The words of a field, its continuation lines included. Names are compared without case.
fn field<'a>(stanza: &[&'a str], name: &str) -> Vec<&'a str> {
    let mut inside = false;
    let mut words = Vec::new();
    for line in stanza {
        let value = if line.starts_with([' ', '\t']) {
            inside.then_some(*line)
        } else {
            let (key, value) = line.split_once(':').unwrap_or((line, ""));
            inside = key.trim().eq_ignore_ascii_case(name);
            inside.then_some(value)
        };
        words.extend(value.unwrap_or_default().split_whitespace());
    }
    words
}

/// An entry, unless it is read from a medium that may not be there.
fn entry<'a>(uri: &str, suites: impl IntoIterator<Item = &'a str>) -> Option<Entry> {
    if uri.starts_with("cdrom:") {
        return None;
    }
    Some(Entry {
        uri: uri.trim_end_matches('/').to_owned(),
        suites: suites.into_iter().map(str::to_owned).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deb822_file_names_archive_and_security() {
        let entries = deb822(
            "Types: deb\n# snapshot\nURIs: http://mirror.lan/debian/\nSuites: bookworm\n bookworm-updates\nComponents: main\n\n\
             Types: deb\nURIs: http://mirror.lan/debian-security\nsuites: bookworm-security\nComponents: main contrib\n",
        );
        let mirror = Mirror::among(&entries);
        assert_eq!(mirror.archive, "http://mirror.lan/debian");
        assert_eq!(mirror.security, "http://mirror.lan/debian-security");
    }

    #[test]
    fn a_one_line_file_is_read_with_its_options() {
        let entries = one_line(
            "# deb http://no.lan/debian trixie main\ndeb cdrom:[Debian]/ trixie main\n\
             deb [arch=amd64 signed-by=/k.gpg] https://yes.lan/debian trixie main contrib\ndeb-src http://src.lan trixie main\n",
        );
        assert_eq!(Mirror::among(&entries).archive, "https://yes.lan/debian");
    }

    #[test]
    fn other_vendors_and_disabled_entries_are_not_the_mirror() {
        let mut entries =
            one_line("deb https://packages.cloud.google.com/apt cloud-sdk-bookworm main\n");
        entries.extend(deb822(
            "Enabled: no\nTypes: deb\nURIs: http://off.lan/debian\nSuites: trixie\nComponents: main\n",
        ));
        assert_eq!(Mirror::among(&entries), Mirror::default());
    }
}
