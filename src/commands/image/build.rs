//! `edu image build`

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use super::{Invocation, program};
use crate::failure::{Exit, Failure, Result};
use crate::project::{Origin, Project};
use crate::spec::manifest::Image;

/// Build the image: the official postgres image with Apache AGE and pgvector
///
/// Runs docker, podman or buildah, the first that is on PATH. What is built and how it is called
/// stands in edu.toml under [image]; the build context is an empty folder. The build fails when the
/// packages are older than edu.toml allows. Flags for the engine follow "--".
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The program that builds [default: docker, podman or buildah, the first on PATH]
    #[arg(long, value_enum, value_name = "NAME")]
    engine: Option<Engine>,
    /// The PostgreSQL major [default: edu.toml's]
    #[arg(long, value_name = "N")]
    major: Option<u16>,
    /// The name of the built image [default: edu.toml's]
    #[arg(long, value_name = "NAME")]
    tag: Option<String>,
    /// The image to build on [default: edu.toml's]
    #[arg(long, value_name = "IMAGE")]
    base: Option<String>,
    /// Print the command line, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// More arguments for the engine, such as --pull or --build-arg VERSION=1.2
    #[arg(last = true, value_name = "ARGS")]
    rest: Vec<OsString>,
}

/// A program that builds images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Engine {
    Docker,
    Podman,
    Buildah,
}

impl Engine {
    const ALL: [Self; 3] = [Self::Docker, Self::Podman, Self::Buildah];

    fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::Buildah => "buildah",
        }
    }
}

/// Runs the command.
///
/// # Errors
/// Exit 2 when no engine is there, exit 1 when the build fails; the engine has said why.
pub fn run(args: &Args, invocation: &Invocation) -> Result<Exit> {
    let ui = &invocation.ui;
    let project = match invocation.find_home()? {
        Some(home) => Project::load(home)?,
        None => Project::embedded()?,
    };
    let dockerfile = project.dockerfile()?;
    let major = args.major.unwrap_or(project.manifest.server.major);
    // Without a file to name, the text goes through standard input.
    let (file, input) = match (&project.origin, dockerfile.in_folder) {
        (Origin::Folder(root), true) => (root.join(&dockerfile.document.path), None),
        _ => (PathBuf::from("-"), Some(dockerfile.document.text)),
    };
    let (engine, path) = engine(args.engine, invocation)?;
    let wish = Wish::new(args, &project.manifest.image, major);
    let arguments = wish.arguments(engine, file, &args.rest);
    if args.dry_run {
        let words = arguments.iter().map(|word| quoted(&word.to_string_lossy()));
        let line: Vec<String> = words.collect();
        ui.answer(format!("{} {} EMPTY_FOLDER", engine.name(), line.join(" ")));
        return Ok(Exit::Done);
    }
    let begun = Instant::now();
    let context = tempfile::tempdir().map_err(|e| Failure::io("make an empty folder", &e))?;
    let mut command = Command::new(path);
    command.args(arguments).arg(context.path());
    let status = invocation.block_on(program::run(command, input))?;
    if !status.success() {
        return Err(not_built(
            engine,
            &wish.tag,
            &status.to_string(),
            invocation,
        ));
    }
    ui.step(
        "image",
        &format!("{} built with {}", wish.tag, engine.name()),
        begun.elapsed(),
    );
    Ok(Exit::Done)
}

fn not_built(engine: Engine, tag: &str, ended: &str, invocation: &Invocation) -> Failure {
    let other = Engine::ALL.into_iter().find(|&other| {
        other != engine && invocation.environment.find_program(other.name()).is_some()
    });
    let error = format!("{} did not build the image \"{tag}\"", engine.name());
    Failure::new(Exit::Findings, error)
        .detail(format!(
            "It ended with {ended}; its last lines above say why."
        ))
        .hint(match other {
            Some(other) => format!("Mend it, or take another engine: --engine {}", other.name()),
            None => "See what was run: edu image build --dry-run".to_owned(),
        })
}

/// The engine to use, and where it is.
fn engine(wanted: Option<Engine>, invocation: &Invocation) -> Result<(Engine, PathBuf)> {
    let candidates = wanted.map_or(Engine::ALL.to_vec(), |engine| vec![engine]);
    candidates
        .iter()
        .find_map(|&engine| {
            let path = invocation.environment.find_program(engine.name())?;
            Some((engine, path))
        })
        .ok_or_else(|| {
            let what = wanted.map_or("no docker, podman or buildah", |one| one.name());
            let verb = if wanted.is_some() { "is not" } else { "is" };
            Failure::usage(format!("{what} {verb} on PATH"))
                .hint("Install one, for example: apt-get install podman")
        })
}

/// What is to be built.
struct Wish {
    major: u16,
    tag: String,
    base: String,
    args: Vec<(String, String)>,
}

impl Wish {
    fn new(args: &Args, image: &Image, major: u16) -> Self {
        let filled = |text: &str| text.replace("{major}", &major.to_string());
        Self {
            major,
            tag: filled(args.tag.as_deref().unwrap_or(&image.tag)),
            base: filled(args.base.as_deref().unwrap_or(&image.base)),
            args: image
                .args
                .iter()
                .map(|(name, value)| (name.clone(), filled(value)))
                .collect(),
        }
    }

    /// The engine's arguments, without the build context, which comes last.
    fn arguments(&self, engine: Engine, file: PathBuf, rest: &[OsString]) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec!["build".into()];
        if engine != Engine::Docker {
            // The OCI format has no place for the health check.
            words.extend(["--format".into(), "docker".into()]);
        }
        words.extend(["--file".into(), file.into()]);
        words.extend(["--tag".into(), OsString::from(&self.tag)]);
        let fixed = [
            ("PG_MAJOR".to_owned(), self.major.to_string()),
            ("BASE".to_owned(), self.base.clone()),
        ];
        for (name, value) in fixed.iter().chain(&self.args) {
            words.push("--build-arg".into());
            words.push(format!("{name}={value}").into());
        }
        words.extend(rest.iter().cloned());
        words
    }
}

/// A word as a shell reads it back.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(engine: Engine) -> String {
        let wish = Wish {
            major: 18,
            tag: "shop:18".to_owned(),
            base: "postgres:18-trixie".to_owned(),
            args: vec![("AGE_MIN".to_owned(), "1.8.0".to_owned())],
        };
        let words = wish.arguments(engine, "D".into(), &["--pull".into()]);
        let words: Vec<String> = words.iter().map(|w| quoted(&w.to_string_lossy())).collect();
        words.join(" ")
    }

    #[test]
    fn podman_and_buildah_are_asked_for_the_format_that_keeps_the_health_check() {
        assert!(line(Engine::Podman).starts_with("build --format docker --file D --tag shop:18 "));
        assert!(line(Engine::Buildah).starts_with("build --format docker "));
        assert!(line(Engine::Docker).starts_with("build --file D "));
    }

    #[test]
    fn the_callers_flags_come_last_so_that_they_win() {
        assert!(line(Engine::Docker).ends_with(
            "--build-arg PG_MAJOR=18 --build-arg BASE=postgres:18-trixie --build-arg AGE_MIN=1.8.0 --pull"
        ));
    }

    #[test]
    fn a_printed_word_is_read_back_by_a_shell() {
        assert_eq!(quoted("a=b:c"), "a=b:c");
        assert_eq!(quoted("it's"), "'it'\\''s'");
    }
}
