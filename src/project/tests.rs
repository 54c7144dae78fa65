use std::fs;

use super::*;

fn project(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(MANIFEST), "name = \"shop\"\n").unwrap();
    for (path, bytes) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    dir
}

#[test]
fn the_nearest_manifest_upwards_makes_the_project() {
    let dir = project(&[("migrations/V1__a.sql", b"SELECT 1;")]);
    let found = Home::find(None, &dir.path().join("migrations"))
        .unwrap()
        .unwrap();
    let found = Project::load(found).unwrap();
    assert_eq!(found.manifest.name, "shop");
    assert_eq!(found.files("migrations", "sql").len(), 1);
}

#[test]
fn a_folder_without_a_manifest_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let failure = Home::find(Some(dir.path()), dir.path()).unwrap_err();
    assert!(failure.error.contains("has no edu.toml"));
}

#[test]
fn line_ends_and_a_byte_order_mark_do_not_change_the_text() {
    let dir = project(&[("spec/a.sql", b"\xef\xbb\xbfSELECT\r\n1;")]);
    let found = Home::read(dir.path()).and_then(Project::load).unwrap();
    assert_eq!(found.file("spec/a.sql").unwrap().text, "SELECT\n1;");
}

#[test]
fn a_link_out_of_the_project_is_refused() {
    let dir = project(&[]);
    fs::create_dir(dir.path().join("migrations")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", dir.path().join("migrations/V1__a.sql")).unwrap();
    let failure = Home::read(dir.path()).and_then(Project::load).unwrap_err();
    assert!(failure.error.contains("leads out of the project"));
}

#[test]
fn what_is_not_a_text_file_is_refused_by_name_and_line() {
    let binary = project(&[("migrations/V1__a.sql", b"a\nb\xff")]);
    assert!(
        Home::read(binary.path())
            .and_then(Project::load)
            .unwrap_err()
            .error
            .contains("not UTF-8 text (line 2)")
    );
    let nul = project(&[("migrations/V1__a.sql", b"a\n\n\0")]);
    assert!(
        Home::read(nul.path())
            .and_then(Project::load)
            .unwrap_err()
            .error
            .contains("NUL byte (line 3)")
    );
    let pipe = project(&[("migrations/V1__a.sql", b"SELECT 1;")]);
    let path = pipe.path().join("migrations/V2__b.sql");
    let mode = rustix::fs::Mode::RUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    assert!(
        Home::read(pipe.path())
            .and_then(Project::load)
            .unwrap_err()
            .error
            .contains("not a regular file")
    );
    let folder = project(&[("migrations/V1__a.sql/x.txt", b"")]);
    assert!(
        Home::read(folder.path())
            .and_then(Project::load)
            .unwrap_err()
            .error
            .contains("not a regular file")
    );
}
