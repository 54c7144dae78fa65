-- finds: column-not-null | column zoo.visit.note
UPDATE zoo.visit SET note = ''; ALTER TABLE zoo.visit ALTER COLUMN note SET NOT NULL;
