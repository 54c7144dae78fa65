-- finds: cast-missing | cast (zoo.place AS text)
DROP CAST (zoo.place AS text);
