-- finds: composite-attributes | composite zoo.place
ALTER TYPE zoo.place ADD ATTRIBUTE z integer;
