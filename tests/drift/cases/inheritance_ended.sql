-- finds: table-inherits | table zoo.child
ALTER TABLE zoo.child NO INHERIT zoo.parent;
