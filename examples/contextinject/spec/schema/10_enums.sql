CREATE TYPE public.plan AS ENUM ('free', 'starter', 'pro', 'enterprise');
CREATE TYPE public.region AS ENUM ('us', 'eu', 'apac');
CREATE TYPE public.role AS ENUM ('owner', 'admin', 'member', 'viewer');
CREATE TYPE public.document_status AS ENUM ('pending', 'processing', 'embedding', 'indexed', 'failed', 'deleted');
CREATE TYPE public.connector_type AS ENUM ('notion', 'slack', 'gmail', 'github', 'confluence', 'jira', 'sharepoint', 'google-drive', 'web-crawler', 'direct-upload');
CREATE TYPE public.connector_status AS ENUM ('active', 'paused', 'error', 'disconnected');
CREATE TYPE public.api_key_env AS ENUM ('live', 'test');
