-- finds: enum-unexpected | enum zoo.size
CREATE TYPE zoo.size AS ENUM ('s', 'l');
