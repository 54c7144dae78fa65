-- finds: publication-tables | publication news
ALTER PUBLICATION news SET TABLE zoo.visit;
