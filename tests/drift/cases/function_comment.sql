-- finds: function-comment | function zoo.secure()
COMMENT ON FUNCTION zoo.secure() IS 'x';
