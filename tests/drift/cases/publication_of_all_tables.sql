-- finds: publication-unexpected | publication everything
CREATE PUBLICATION everything FOR ALL TABLES;
