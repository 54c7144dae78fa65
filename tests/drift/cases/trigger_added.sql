-- finds: trigger-unexpected | trigger spy on public.users
CREATE TRIGGER spy AFTER INSERT ON public.users FOR EACH ROW EXECUTE FUNCTION zoo.touch();
