-- Shared by the ten tables with updated_at: Prisma's @updatedAt sets it in the client, and nothing else would.

-- A value given in the UPDATE wins; otherwise the time of the transaction is written.
CREATE FUNCTION public.set_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = ''
AS $function$
BEGIN
    IF NEW.updated_at IS NOT DISTINCT FROM OLD.updated_at THEN
        NEW.updated_at := CURRENT_TIMESTAMP;
    END IF;
    RETURN NEW;
END
$function$;

REVOKE ALL ON FUNCTION public.set_updated_at() FROM PUBLIC;
