-- finds: function-settings | function zoo.secure()
ALTER FUNCTION zoo.secure() RESET search_path;
