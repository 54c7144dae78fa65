-- finds: index-definition | index visit_note on zoo.visit
DROP INDEX zoo.visit_note; CREATE INDEX visit_note ON zoo.visit (lower(note)) INCLUDE (tag);
