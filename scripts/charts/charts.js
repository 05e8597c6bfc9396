// What the page uses of Apache ECharts: two charts, their tooltips, and the renderer for canvases.
import { init, use } from "echarts/core";
import { GraphChart, TreemapChart } from "echarts/charts";
import { TooltipComponent } from "echarts/components";
import { LabelLayout } from "echarts/features";
import { CanvasRenderer } from "echarts/renderers";

use([GraphChart, TreemapChart, TooltipComponent, LabelLayout, CanvasRenderer]);

export { init };
