//! A backup of a system: tried out on a server of its own, brought back, and the same as before.

use super::System;
use crate::backup::{Folder, Named};
use crate::support::edu;

/// Backup, drill, restore: the same structure, and the same answer to who reaches which row.
pub fn keep(system: System) {
    let (db, folder) = (system.database(), Folder::new());
    let dir = folder.0.path().display().to_string();
    system.edu(&db, &["db", "backup", "--dir", &dir]).expect(0);
    let dump = folder.dump();
    edu(&system.folder(), &["db", "backup", "verify", &dump]).expect(0);
    let back = Named::new(&db);
    system
        .edu(&db, &["db", "restore", &dump, "--to", &back.1])
        .expect(0);
    for print in [&["db", "fingerprint"][..], &["db", "rls", "fingerprint"]] {
        let of = |url: &str| edu(&system.folder(), &[print, &["--url", url]].concat()).expect(0);
        assert_eq!(of(&db.url()).stdout, of(&back.url()).stdout, "{print:?}");
    }
}
