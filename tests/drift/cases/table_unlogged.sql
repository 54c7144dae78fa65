-- finds: table-persistence | table zoo.parent
ALTER TABLE zoo.parent SET UNLOGGED;
