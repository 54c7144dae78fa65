-- finds: enum-missing | enum public.agent_trigger
DROP TYPE public.agent_trigger;
