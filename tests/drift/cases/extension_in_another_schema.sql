-- finds: extension-schema | extension pgcrypto
ALTER EXTENSION pgcrypto SET SCHEMA zoo;
