import java.io.File;
import java.io.PrintWriter;
import org.gephi.graph.api.*;
import org.gephi.io.importer.api.*;
import org.gephi.io.processor.plugin.DefaultProcessor;
import org.gephi.project.api.ProjectController;
import org.openide.util.Lookup;

/** Reads a GraphML file with Gephi's toolkit, and writes what is there as lines of tab-separated, %-coded cells. */
public class GephiReads {
    public static void main(String[] arguments) throws Exception {
        Lookup lookup = Lookup.getDefault();
        ProjectController projects = lookup.lookup(ProjectController.class);
        projects.newProject();
        ImportController importing = lookup.lookup(ImportController.class);
        Container container = importing.importFile(new File(arguments[0]));
        container.getLoader().setEdgesMergeStrategy(EdgeMergeStrategy.NO_MERGE);
        importing.process(container, new DefaultProcessor(), projects.getCurrentWorkspace());
        Graph graph = lookup.lookup(GraphController.class).getGraphModel().getGraph();
        try (PrintWriter out = new PrintWriter(arguments[1], "UTF-8")) {
            for (Node node : graph.getNodes()) {
                line(out, "node", node.getId(), node.getLabel(), titled(node, "kind"), titled(node, "curie"));
            }
            for (Edge edge : graph.getEdges()) {
                line(out, "edge", edge.getSource().getId(), edge.getTarget().getId(), edge.getLabel(), edge.getWeight());
            }
        }
        System.exit(0);
    }

    static Object titled(Node node, String title) {
        for (Column column : node.getTable()) {
            if (title.equals(column.getTitle())) {
                return node.getAttribute(column);
            }
        }
        return null;
    }

    static void line(PrintWriter out, Object... cells) throws Exception {
        StringBuilder text = new StringBuilder();
        for (Object cell : cells) {
            text.append(java.net.URLEncoder.encode(String.valueOf(cell), "UTF-8")).append('\t');
        }
        out.println(text);
    }
}
