-- finds: extension-missing | extension pgcrypto
DROP EXTENSION pgcrypto;
