//! `examples/microlearning`: text ids, cascades, an ivfflat index after the load, optional policies by user.

use super::{System, columns, counted, life};

const MICROLEARNING: System = System("microlearning");

#[test]
fn microlearning_lives_from_nothing_and_back() {
    life(MICROLEARNING);
}

#[test]
fn microlearning_has_what_its_document_wants() {
    counted(MICROLEARNING);
    columns(MICROLEARNING);
    MICROLEARNING
        .edu(&MICROLEARNING.database(), &["db", "verify"])
        .expect(0);
}
