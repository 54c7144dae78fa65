-- finds: enum-values | enum public.agent_output_format
DELETE FROM pg_enum WHERE enumlabel = 'overlay' AND enumtypid = 'public.agent_output_format'::regtype;
