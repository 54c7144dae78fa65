-- finds: publication-missing | publication news
DROP PUBLICATION news;
