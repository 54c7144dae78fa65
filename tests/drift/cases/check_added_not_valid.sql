-- finds: constraint-unexpected | constraint extra on zoo.visit
ALTER TABLE zoo.visit ADD CONSTRAINT extra CHECK (tag > 0) NOT VALID;
