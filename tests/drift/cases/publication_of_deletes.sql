-- finds: publication-publishes | publication news
ALTER PUBLICATION news SET (publish = 'insert');
